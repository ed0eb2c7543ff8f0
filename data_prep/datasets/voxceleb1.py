"""VoxCeleb1 (Nagrani et al., Interspeech 2017), speaker identification: 153,516 utterances, 1,251 speakers.

The tree is that of the two archives unpacked into one folder, next to the official list:

    wav/id10001/1zcIwhmdeo4/00001.wav
    iden_split.txt

Unpacked separately, as `dev/wav` and `test/wav`, it is taken as well: those two belong to the verification task and
are no split of this one. Split: the list, lines "1 id10003/na8-QEFmj44/00003.wav" with 1 for train, 2 for valid,
3 for test; every speaker is in all three. Label: the speaker's folder. Group: the video.

1,251 classes, not 1,211: that number, met in papers as the count of classes, is that of the speakers in `dev`.
"""

import re
from pathlib import Path

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import find_list, read_lines
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import files_below
from randquant.errors import DataError

LIST = "iden_split.txt"
_WHAT = "VoxCeleb1's identification list iden_split.txt"
_URL = "https://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta/iden_split.txt"
_LINE = re.compile(r"([123])\s+(id\d{5}/[^/\s]+/[^/\s]+\.wav)")
_SPLITS = {"1": "train", "2": "valid", "3": "test"}
_FOLDERS = ("wav", "dev/wav", "test/wav")


def plan_voxceleb1(root: str | Path, iden_split: Path | None = None) -> Plan:
    """The available utterances of the list, sorted by name.

    Part of the data is enough; what the list names and is absent is counted as `missing`, what is there and
    not in the list is left out and counted as `unlisted`.

    Args:
        root: folder that holds `wav`.
        iden_split: the official list; iden_split.txt at the root by default.

    Raises:
        DataError: no VoxCeleb1 below `root`, the list is missing or another one, or none of its files is
            there.
    """
    root = find_root(root, DATASET)
    table = iden_split or find_list(root, LIST)
    if table is None:
        raise DataError(f"{root} has no {LIST}; download it from {_URL} to there, or name it with --iden_split.")
    splits = _read_splits(table)
    found, doubled = _utterances(root)
    items = [_item(name, *found[name], splits[name]) for name in sorted(splits.keys() & found.keys())]
    if not items:
        raise DataError(
            f"none of the {len(splits):,} files that {table} names is among the {len(found):,} below {root}; "
            "check --root and --iden_split."
        )
    missing = [f"wav/{name}" for name in sorted(splits.keys() - found.keys())]
    source = {
        **DATASET.describe(root, items, table.name, missing=missing),
        "unlisted": len(found.keys() - splits.keys()),
        "doubled": doubled,
    }
    return Plan(root, items, RECORDINGS, source, missing)


def _item(name: str, folder: str, size: int, split: str) -> Item:
    speaker, video, _ = name.split("/")
    return Item(f"{folder}/{name}", size, speaker, f"{speaker}/{video}", split)


def _read_splits(table: Path) -> dict[str, str]:
    """The split of every utterance, by its path below `wav`."""
    splits: dict[str, str] = {}
    for number, line in enumerate(read_lines(table, _WHAT), start=1):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(_wrong_line(table, number, line))
        split, name = match.groups()
        if name in splits:
            raise DataError(f"{table} names {name} twice (again in line {number}); download it again from {_URL}.")
        splits[name] = _SPLITS[split]
    if not splits:
        raise DataError(f"{table} is empty where {_WHAT} is expected; download it from {_URL}.")
    return splits


def _wrong_line(table: Path, number: int, line: str) -> str:
    trial = " (a trial of the verification task)" if len(line.split()) == 3 else ""
    return (
        f"{table} line {number} reads {line[:60]!r}{trial} where {_WHAT} has lines as "
        f"'1 id10003/na8-QEFmj44/00003.wav'; download it from {_URL}."
    )


def _utterances(root: Path) -> tuple[dict[str, tuple[str, int]], int]:
    """Folder and size of every utterance by its path below `wav`, and how many are in two folders."""
    found: dict[str, tuple[str, int]] = {}
    doubled = 0
    for folder in _FOLDERS:
        if not (root / folder).is_dir():
            continue
        for name, size in files_below(root / folder, (".wav",), depth=3):
            if name in found:
                doubled += 1
            else:
                found[name] = (folder, size)
    return found, doubled


DATASET = Dataset(
    name="voxceleb1",
    title="VoxCeleb1",
    kind="audio",
    licence="for research; the recordings belong to those who published the videos they were taken from",
    source="Nagrani, Chung, Zisserman, VoxCeleb: a large-scale speaker identification dataset, Interspeech 2017",
    tree="wav/id10001/1zcIwhmdeo4/00001.wav\nwav/id10001/…\niden_split.txt",
    marks=("wav/id?????", "dev/wav/id?????", "test/wav/id?????"),
    plan=plan_voxceleb1,
    items={"train": 138_361, "valid": 6_904, "test": 8_251},
    classes=1_251,
    archives=(
        Archive("vox1_dev_wav_parta?", into="dev", parts=True),
        Archive("vox1_dev_wav.zip", into="dev"),
        Archive("vox1_test_wav.zip", into="test"),
    ),
    by_hand=(
        "VoxCeleb1 is sent on request by its authors (https://www.robots.ox.ac.uk/~vgg/data/voxceleb/). Download "
        "vox1_dev_wav_partaa to vox1_dev_wav_partad and vox1_test_wav.zip; then\n"
        "    cat vox1_dev_wav_parta? > vox1_dev_wav.zip && unzip vox1_dev_wav.zip && unzip vox1_test_wav.zip\n"
        f"in one folder, and save {_URL} next to the folder wav."
    ),
)
