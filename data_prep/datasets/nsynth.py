"""NSynth (Engel et al., 2017): 305,979 notes of 4 s, eleven instrument families.

The tree is that of the three `nsynth-*.jsonwav.tar.gz` archives unpacked side by side:

    nsynth-{train,valid,test}/audio/<note_str>.wav
    nsynth-{train,valid,test}/examples.json

Label: `instrument_family_str`. Split: the folder. Group: `instrument_str`; no instrument of train occurs in
the others.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.data.store import SPLITS
from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import sizes_below
from randquant.errors import DataError
from randquant.files.atomic import read_json


def plan_nsynth(root: str | Path) -> Plan:
    """The notes of all available splits, train first, sorted by name.

    A note that examples.json names and that has no file is counted as `missing`, and planned all the same: it is
    reported as unreadable. Files that examples.json does not name are counted as `unlisted`, splits that are not
    there at all as `missing_splits`.

    Raises:
        DataError: none of the three folders is there, or one lacks its examples.json or `audio`.
    """
    root = find_root(root, DATASET)
    present = [split for split in SPLITS if (root / f"nsynth-{split}").is_dir()]
    items: list[Item] = []
    missing: list[str] = []
    unlisted = 0
    for split in present:
        folder = f"nsynth-{split}/audio"
        if not (root / folder).is_dir():
            raise DataError(f"{root}/nsynth-{split} has no folder audio; unpack its archive again.")
        sizes = sizes_below(root, [folder], (".wav",))
        notes = _notes(root, split, sizes)
        items += notes
        unlisted += len(sizes.keys() - {note.path for note in notes})
        missing += [note.path for note in notes if note.path not in sizes]
    source = {
        **DATASET.describe(root, items, "folders", missing=missing),
        "unlisted": unlisted,
        "missing_splits": [split for split in SPLITS if split not in present],
    }
    return Plan(root, items, RECORDINGS, source, missing)


def _notes(root: Path, split: str, sizes: Mapping[str, int]) -> list[Item]:
    table = root / f"nsynth-{split}" / "examples.json"
    notes = read_json(table, reduce=_label_and_group)
    items = []
    for name in sorted(notes):
        path = f"nsynth-{split}/audio/{name}.wav"
        if not isinstance(notes[name], tuple):
            raise DataError(f"{table} lacks instrument_family_str or instrument_str for {path}; unpack it again.")
        label, group = notes[name]
        items.append(Item(path, sizes.get(path, 0), label, group, split))
    return items


def _label_and_group(entry: dict[str, Any]) -> Any:
    """Label and group of a note; keeping whole entries would take five times the memory."""
    try:
        return sys.intern(str(entry["instrument_family_str"])), sys.intern(str(entry["instrument_str"]))
    except KeyError:  # the table itself, or a note that is refused later
        return entry


_URL = "http://download.magenta.tensorflow.org/datasets/nsynth"
_MD5 = {
    "train": "fde6665a93865503ba598b9fac388660",
    "valid": "87e94a00a19b6dbc99cf6d4c0c0cae87",
    "test": "5e6f8719bf7e16ad0a00d518b78af77d",
}

DATASET = Dataset(
    name="nsynth",
    title="NSynth",
    kind="audio",
    licence="CC BY 4.0",
    source="Engel et al., Neural audio synthesis of musical notes with WaveNet autoencoders, ICML 2017",
    tree="\n".join(f"nsynth-{split}/audio/<note_str>.wav\nnsynth-{split}/examples.json" for split in SPLITS),
    marks=tuple(f"nsynth-{split}" for split in SPLITS),
    plan=plan_nsynth,
    items={"train": 289_205, "valid": 12_678, "test": 4_096},
    classes=11,
    archives=(Archive("nsynth-*.jsonwav.tar.gz"),),
    downloads=tuple(
        Download(f"{_URL}/nsynth-{split}.jsonwav.tar.gz", f"nsynth-{split}.jsonwav.tar.gz", md5=md5)
        for split, md5 in _MD5.items()
    ),
)
