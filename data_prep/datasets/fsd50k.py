"""FSD50K (Fonseca et al., TASLP 2022), Freesound clips, for pretraining without labels.

The tree is that of the archives on Zenodo (record 4060432) unpacked into one folder:

    FSD50K.dev_audio/<number>.wav
    FSD50K.eval_audio/<number>.wav
    FSD50K.ground_truth/dev.csv  eval.csv

BYOL-A's smaller runs were pretrained on the 40,966 clips of `dev` (Niizumi et al., IJCNN 2021), train and
validation together. FSD50K gives a clip several labels; none is kept. Split: the column `split` of dev.csv, test for
the part `eval`, which enters only when asked for; null for `dev` where dev.csv is not at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.layout import find_root
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import existing_folder, sizes_below
from randquant.errors import DataError, UsageError

Part = Literal["dev", "eval"]

PARTS: tuple[Part, ...] = ("dev", "eval")
_SPLITS = {"train": "train", "val": "valid"}


@dataclass(frozen=True)
class _Clips:
    """One part: its clips, how many its table names (None without one), which of those are absent, and how many clips
    it does not name.
    """

    items: list[Item]
    listed: int | None
    missing: list[str]
    unlisted: int


def plan_fsd50k(root: str | Path, parts: Sequence[Part] = ("dev",)) -> Plan:
    """The available clips of some parts, part by part, sorted by path.

    A part that is not there is skipped as long as the other one is.

    Args:
        root: folder that holds FSD50K.dev_audio.
        parts: which of dev and eval.

    Raises:
        DataError: none of the parts is there or none has a clip, or a table is wrong.
        UsageError: no parts, unknown or repeated ones.
    """
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= set(PARTS):
        raise UsageError(f"--parts should be some of {', '.join(PARTS)}, each once, got {', '.join(parts) or 'none'}.")
    _refuse_split_archives(existing_folder(root), parts)
    root = find_root(root, DATASET)
    present = [part for part in parts if (root / _folder(part)).is_dir()]
    read = {part: _clips(root, part) for part in present}
    items = [item for part in present for item in read[part].items]
    if not items:
        names = ", ".join(_folder(part) for part in parts)
        raise DataError(f"{root} holds no clips in {names}; check --root and --parts.")
    missing = [name for part in present for name in read[part].missing]
    source = {
        **DATASET.describe(root, items, "FSD50K.ground_truth", missing=missing),
        "published": dict(DATASET.items) if list(parts) == ["dev"] else {},
        "unlisted": sum(clips.unlisted for clips in read.values()),
        "parts": {part: {"found": len(clips.items), "listed": clips.listed} for part, clips in read.items()},
        "parts_absent": [part for part in parts if part not in present],
    }
    return Plan(root, items, RECORDINGS, source, missing)


def _folder(part: Part) -> str:
    return f"FSD50K.{part}_audio"


def _refuse_split_archives(root: Path, parts: Sequence[Part]) -> None:
    """Refuse the multi-volume zip archives on Zenodo, which no Python library reads."""
    for name in map(_folder, parts):
        if any(root.glob(f"{name}.z*")) and not (root / name).is_dir():
            raise DataError(
                f"{root} holds {name} as a zip in several volumes, which has to be joined first: in there, run "
                f"zip -s 0 {name}.zip --out joined.zip && unzip joined.zip && rm joined.zip"
            )


def _clips(root: Path, part: Part) -> _Clips:
    sizes = sizes_below(root, [_folder(part)], (".wav",))
    table = root / "FSD50K.ground_truth" / f"{part}.csv"
    unknown = "test" if part == "eval" else None
    listed = _splits(table, part) if table.exists() else None
    splits = dict.fromkeys(sizes, unknown) if listed is None else listed
    return _Clips(
        items=[Item(path, sizes[path], split=splits[path]) for path in sorted(splits.keys() & sizes.keys())],
        listed=None if listed is None else len(listed),
        missing=sorted(splits.keys() - sizes.keys()),
        unlisted=len(sizes.keys() - splits.keys()),
    )


def _splits(table: Path, part: Part) -> dict[str, str | None]:
    """The split of every clip by its path below the root."""
    columns = ("fname", "split") if part == "dev" else ("fname",)
    splits: dict[str, str | None] = {}
    for line, row in read_csv(table, columns, f"FSD50K's {part}.csv"):
        path = f"{_folder(part)}/{row['fname'].strip()}.wav"
        if path in splits:
            raise DataError(f"{table} names {row['fname']} twice (again in line {line}); download it again.")
        if part == "dev" and row["split"] not in _SPLITS:
            raise DataError(f"{table} line {line} has the split {row['split']!r} where FSD50K has train and val.")
        splits[path] = _SPLITS[row["split"]] if part == "dev" else "test"
    if not splits:
        raise DataError(f"{table} names no clips where FSD50K's {part}.csv is expected; download it again.")
    return splits


DATASET = Dataset(
    name="fsd50k",
    title="FSD50K",
    kind="audio",
    licence="CC BY 4.0 as a whole, and each clip its own Creative Commons licence, some for non-commercial use only",
    source="Fonseca et al., FSD50K: an open dataset of human-labeled sound events, TASLP 2022",
    tree=(
        "FSD50K.dev_audio/<number>.wav\nFSD50K.eval_audio/<number>.wav\n"
        "FSD50K.ground_truth/dev.csv\nFSD50K.ground_truth/eval.csv"
    ),
    marks=("FSD50K.dev_audio", "FSD50K.eval_audio"),
    plan=plan_fsd50k,
    items={"all": 40_966},  # dev
    by_hand=(
        "Download all FSD50K.dev_audio.*, FSD50K.eval_audio.* and FSD50K.ground_truth.zip from "
        "https://zenodo.org/record/4060432 into one folder and run there\n"
        "    zip -s 0 FSD50K.dev_audio.zip --out dev.zip && unzip dev.zip\n"
        "    zip -s 0 FSD50K.eval_audio.zip --out eval.zip && unzip eval.zip\n"
        "    unzip FSD50K.ground_truth.zip"
    ),
)
