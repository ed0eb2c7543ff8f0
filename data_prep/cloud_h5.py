"""HDF5 files of labelled clouds in the format of PointNet and ScanObjectNN: `data` and `label`.

A shape is one row of a file, so an item of a plan is a window of one row; a worker that reads row after row keeps the
file open.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Item, Reader, Reading
from randquant.data_prep.engine.row_files import file_stamp, row_reader
from randquant.data_prep.sampled_cloud import cloud_settings, leading_rows
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.layout import FILE_ROW

_MOST_CLASSES = 100_000  # that labels may count where nobody says how many there are
_CACHE = 64 << 20  # bytes of decompressed chunks, so that none is decompressed twice on the way through


@dataclass(frozen=True)
class CloudFile:
    """The contents of a file, without its clouds.

    Attributes:
        path: of the file.
        labels: (n,) number of the class of each shape.
        size: bytes of the file that fall to each shape.
    """

    path: Path
    labels: NDArray[np.int64]
    size: int

    def row_names(self) -> list[str]:
        """A name for each shape that does not depend on the file's location."""
        return [f"{self.path.name}#{row}" for row in range(len(self.labels))]

    def items(self, root: Path, classes: Sequence[str], split: str) -> list[Item]:
        """One item per shape, in the order of the file."""
        path = self.path.relative_to(root).as_posix()
        return [
            Item(path, self.size, classes[label], None, split, (row, row + 1)) for row, label in enumerate(self.labels)
        ]


def cloud_file(path: Path, *, classes: int | None, points: int, normals: bool = False) -> CloudFile:
    """Read everything but the clouds of a file.

    Args:
        path: with `data` (n, N, 3), `label` n numbers in [0, classes) and, for `normals`, `normal` (n, N, 3).
        classes: how many there are; any number where None.
        points: that will be taken of each shape.
        normals: whether they will be.

    Raises:
        DataError: h5py is not installed, the file is missing, broken, or holds something else.
    """
    file = _opened(path, file_stamp(path))
    shape = _shape(path, file, "data")
    if normals and _shape(path, file, "normal") != shape:
        raise DataError(f"{path} has normals of another shape than its data {shape}; restore it.")
    if shape[1] < points:
        raise DataError(f"{path} has {shape[1]} points a shape where {points} are asked for; give --points {shape[1]}.")
    return CloudFile(path, _labels(path, file, shape[0], classes), path.stat().st_size // max(shape[0], 1))


def h5_reader(
    *,
    points: int,
    up: Axis,
    normals: bool = False,
    names: Callable[[Path], Sequence[str]] | None = None,
    companions: Callable[[Path], Iterable[Path]] | None = None,
) -> Reader:
    """The first `points` points of each shape, each with its `file_row`.

    Args:
        points, up, normals: as in `randquant.data_prep.sampled_cloud.leading_rows`.
        names: gives the shapes' own names, in the order of a file, or nothing; they become the manifest's column
            `shape`. A module-level function.
        companions: the files that say so, as in `Reader`.
    """
    read = partial(_read_row, points=points, up=up, normals=normals, names=names)
    return row_reader(read, cloud_settings(points, up, normals=normals, extra=(FILE_ROW,)), companions)


def _read_row(
    path: Path, row: int, *, points: int, up: Axis, normals: bool, names: Callable[[Path], Sequence[str]] | None
) -> Reading:
    file = _opened(path, file_stamp(path))
    cloud = _row(path, file, "data", row)
    directions = _row(path, file, "normal", row) if normals else None
    rows = leading_rows(f"{path} shape {row}", cloud, count=points, up=up, normals=directions)
    called = names(path) if names is not None else ()
    return {"shape": called[row] if called else None} if names is not None else {}, [rows]


def _row(path: Path, file: Any, name: str, row: int) -> NDArray:
    try:
        return np.asarray(file[name][row])
    except (OSError, KeyError, IndexError, ValueError):
        raise DataError(f"{path} shape {row} cannot be read; the file is damaged, restore it.") from None


@lru_cache(maxsize=2)
def _opened(path: Path, stamp: tuple[int, int]) -> Any:
    """The open file; `stamp` tells one version of it from the next."""
    try:
        import h5py
    except (ImportError, OSError):
        raise DataError(f"{path} needs h5py to be read; pip install h5py.") from None
    try:
        return h5py.File(path, "r", rdcc_nbytes=_CACHE)
    except OSError:
        raise DataError(f"{path} is not an HDF5 file or is cut off; download it again.") from None


def _shape(path: Path, file: Mapping[str, Any], name: str) -> tuple[int, int, int]:
    shape = getattr(file.get(name), "shape", None)
    if shape is None:
        raise DataError(f"{path} has no array {name} ({_held(file)}); restore it, or give the file of another release.")
    if len(shape) != 3 or shape[2] != 3 or not shape[0] or file[name].dtype.kind != "f":
        raise DataError(f"{path} has {name} of shape {shape} where (shapes, points, 3) is expected ({_held(file)}).")
    return shape


def _labels(path: Path, file: Mapping[str, Any], shapes: int, classes: int | None) -> NDArray[np.int64]:
    found: Any = file.get("label")
    shape = getattr(found, "shape", None)
    if shape is None:
        raise DataError(f"{path} has no array label ({_held(file)}); restore it, or give the file of another release.")
    if found.dtype.kind not in "iuf" or shape not in ((shapes,), (shapes, 1)):
        raise DataError(f"{path} has label of shape {shape} where ({shapes}, 1) is expected ({_held(file)}).")
    values = np.asarray(found[()]).reshape(-1)
    labels = values.astype(np.int64)
    most = _MOST_CLASSES if classes is None else classes
    wrong = np.flatnonzero((labels != values) | (labels < 0) | (labels >= most))
    if len(wrong):
        raise DataError(
            f"{path} shape {wrong[0]} has the label {values[wrong[0]]} where 0 to {most - 1:,} are expected; "
            "restore it."
        )
    return labels


def _held(file: Mapping[str, Any]) -> str:
    arrays = [f"{name} {getattr(file[name], 'shape', '')}".strip() for name in sorted(file)]
    return f"it holds {', '.join(arrays) or 'nothing'}"
