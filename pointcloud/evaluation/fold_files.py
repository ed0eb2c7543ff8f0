"""The fixed few-shot folds of ModelNet40, as files: ten draws a setting, the same for everyone.

    ModelNetFewshot/5way_10shot/0.pkl ... 9.pkl    (or 5way10shot; likewise 5 ways 20 shots, 10 ways 10 and 20 shots)

A fold is a pickled dict with "train" and "test", lists of (points (8192, 6), label in the fold, label in ModelNet40):
`shots` shapes of each class out of the official training split, 20 out of the official test split; y points up.

Source: Yu et al., "Point-BERT", CVPR 2022, whose folds Point-MAE, ReCon and others use.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError
from randquant.weights.safe_pickle import read_pickle

SETTINGS = ((5, 10), (5, 20), (10, 10), (10, 20))  # ways and shots
FOLDS = 10
QUERIES = 20  # of each class


@dataclass(frozen=True)
class FoldSide:
    """The shapes of one side of a fold.

    Attributes:
        points: (n, N, C) float32, C 3 or 6: coordinates, and normals.
        labels: (n,) in the fold, from 0.
        originals: (n,) in ModelNet40, where classes are numbered in the order of their names.
    """

    points: NDArray[np.float32]
    labels: NDArray[np.int64]
    originals: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Fold:
    """One classification task: `train` has the labelled shapes, `test` those to answer; `sha256` is of its file."""

    train: FoldSide
    test: FoldSide
    sha256: str

    @property
    def originals(self) -> NDArray[np.int64]:
        """(ways,) ModelNet40's number of each label of the fold."""
        return self.train.originals[np.unique(self.train.labels, return_index=True)[1]]


def spellings(ways: int, shots: int) -> tuple[str, str]:
    """What the folder of a setting is called: by the code that reads it, and by its documentation."""
    return f"{ways}way_{shots}shot", f"{ways}way{shots}shot"


def fold_paths(folder: str | Path, *, ways: int, shots: int) -> list[Path]:
    """The ten files of a setting, in order.

    Raises:
        DataError: the folder lacks the setting, or the setting some of its folds.
    """
    names = spellings(ways, shots)
    place = next((Path(folder) / name for name in names if (Path(folder) / name).is_dir()), None)
    if place is None:
        raise DataError(
            f"{folder} holds neither {names[0]} nor {names[1]}; give the folder ModelNetFewshot, which has a "
            "folder of ten folds for each setting."
        )
    paths = [place / f"{number}.pkl" for number in range(FOLDS)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise DataError(f"{place} lacks {', '.join(missing)} of its {FOLDS} folds; copy or download the folder again.")
    return paths


def read_fold(path: str | Path, *, ways: int, shots: int) -> Fold:
    """One fold, read without running anything the file asks for.

    Args:
        path: a .pkl file.
        ways, shots: what it should hold.

    Raises:
        DataError: the file cannot be read, or holds something else.
    """
    path = Path(path)
    content = read_pickle(path)
    if not isinstance(content, dict) or not {"train", "test"} <= set(content):
        raise DataError(
            f"{path} should hold a dict with train and test, got {_described(content)}; take a fold's file."
        )
    train, test = (_side(path, name, content[name]) for name in ("train", "test"))
    for name, part, count in (("train", train, shots), ("test", test, QUERIES)):
        _require_classes(path, name, part.labels, ways, count)
    pairs = {*zip(train.labels.tolist(), train.originals.tolist(), strict=True)}
    pairs |= {*zip(test.labels.tolist(), test.originals.tolist(), strict=True)}
    if len(pairs) != ways or len({original for _, original in pairs}) != ways:
        raise DataError(f"{path} gives one class several labels, or several classes one; copy or download it again.")
    if train.points.shape[1:] != test.points.shape[1:]:
        raise DataError(
            f"{path} holds clouds of shape {train.points.shape[1:]} in train and {test.points.shape[1:]} in test; "
            "copy or download it again."
        )
    return Fold(train, test, hashlib.sha256(path.read_bytes()).hexdigest())


def _side(path: Path, name: str, entries: Any) -> FoldSide:
    if not isinstance(entries, list | tuple) or not entries:
        raise DataError(f"{path}: {name} should be a list of shapes, got {_described(entries)}; take a fold's file.")
    if not all(isinstance(entry, list | tuple) and len(entry) == 3 for entry in entries):
        raise DataError(f"{path}: {name} should hold triples of points and two labels; take a fold's file.")
    clouds = [_cloud(path, name, number, entry[0]) for number, entry in enumerate(entries)]
    shapes = sorted({cloud.shape for cloud in clouds})
    if len(shapes) > 1:
        raise DataError(f"{path}: {name} holds clouds of {shapes[0]} and of {shapes[1]} numbers; take a fold's file.")
    labels, originals = (
        np.array([_label(path, name, entry[column]) for entry in entries], dtype=np.int64) for column in (1, 2)
    )
    return FoldSide(np.stack(clouds), labels, originals)


def _cloud(path: Path, name: str, number: int, points: Any) -> NDArray[np.float32]:
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] not in (3, 6) or not len(points):
        raise DataError(
            f"{path}: shape {number} of {name} should be an array of (points, 3 or 6), got {_described(points)}; "
            "take a fold's file."
        )
    if points.dtype.kind != "f" or not np.isfinite(points).all():
        raise DataError(
            f"{path}: shape {number} of {name} holds something else than finite numbers; download it again."
        )
    return points.astype(np.float32)


def _label(path: Path, name: str, value: Any) -> int:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise DataError(
            f"{path}: {name} has a label that is not a class number, {_described(value)}; take a fold's file."
        )
    return int(value)


def _require_classes(path: Path, name: str, labels: NDArray[np.int64], ways: int, count: int) -> None:
    found = np.bincount(labels)
    if len(found) != ways or (found != count).any():
        shown = ", ".join(map(str, found[:12].tolist()))
        raise DataError(
            f"{path}: {name} should hold {count} shapes of each of {ways} classes, got {shown}; "
            "check that the file is of this setting."
        )


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return f"a {type(value).__name__}"
