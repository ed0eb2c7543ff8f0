"""Clouds of points from files of one's own: NumPy arrays, text tables, PLY and PCD.

Columns are found by their names where a file has names (PLY, PCD, tables with a header) and by their places where it
has none: x, y, z, and the normal behind them. Everything else (colours, intensities, labels) is passed over.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.formats.pcd import read_pcd
from data_prep.formats.ply import read_ply
from data_prep.formats.point_table import read_head, read_points
from randquant.errors import DataError

TABLES = (".xyz", ".xyzn", ".xyzrgb", ".pts", ".asc", ".txt", ".csv")
CLOUDS = (".npy", ".npz", ".ply", ".pcd", *TABLES)

_XYZ, _NORMAL = ("x", "y", "z"), ("nx", "ny", "nz")
_ARRAYS = ("points", "positions", "xyz", "pc")  # what those of coordinates are called
_NUMBERS = "fiu"  # kinds of NumPy arrays
_WIDEST = 100  # columns of fewer than ten points; more are points lying down
_UNIT = 0.05  # by how much the length of a normal may miss 1

Columns = Mapping[str, NDArray]


@dataclass(frozen=True)
class Cloud:
    """Points of a file.

    Attributes:
        points: (N, 3) float64 coordinates; finite or not, as the file has them.
        normals: (N, 3) float64 of length 1 (or 0, where the file has none); None where not asked for.
        missing: rows without a point, which scanners fill with NaN; they are not among the N.
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64] | None
    missing: int


def read_cloud(path: str | Path, *, normals: bool = False) -> Cloud:
    """The points of a file, whichever of `CLOUDS` it is.

    Args:
        path: an array (N, 3 or more), in an .npz file the only one or that named points, positions, xyz or pc, beside
            it `normals`; a table of numbers, with or without a header and a first line that counts them; PLY with or
            without faces; PCD of any kind.
        normals: whether they are wanted.

    Raises:
        DataError: the file is missing, of another format, truncated or broken; it has no x, y, z; or normals are
            wanted and there are none, or columns in their place that are not of length 1.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in CLOUDS:
        raise DataError(f"{path} is no file of points; expected one that ends in {', '.join(CLOUDS)}.")
    if not path.is_file():
        raise DataError(f"{path} is no file; check the path.")
    if suffix in (".npy", ".npz"):
        columns = _read_arrays(path)
    elif suffix == ".ply":
        columns = {_plain(name): values for name, values in read_ply(path).vertices.items()}
    elif suffix == ".pcd":
        columns = {_plain(name): values for name, values in read_pcd(path).items()}
    else:
        columns = _read_table(path, (*_XYZ, *_NORMAL) if normals else _XYZ)
    points = _stacked(path, columns, _XYZ, "coordinates x, y, z")
    there = np.asarray(~np.isnan(points).all(axis=1))
    found = _unit(path, _stacked(path, columns, _NORMAL, "normals")[there]) if normals else None
    return Cloud(points[there], found, int(len(there) - there.sum()))


def _stacked(path: Path, columns: Columns, names: Sequence[str], what: str) -> NDArray[np.float64]:
    if not columns.keys() >= set(names):
        held = f"its columns are {', '.join(columns)}" if columns else "it has no columns"
        raise DataError(f"{path} has no {what} ({held}); rename its columns, or leave it out.")
    return np.stack([np.asarray(columns[name], dtype=np.float64) for name in names], axis=-1)


def _unit(path: Path, normals: NDArray[np.float64]) -> NDArray[np.float64]:
    normals = np.where(np.isnan(normals).all(axis=1, keepdims=True), 0, normals)  # as PCL says that there is none
    lengths = np.linalg.norm(normals, axis=1)
    if not lengths.any():
        raise DataError(f"{path} has normals that are all of length 0; leave out --normals, or compute them.")
    wrong = ~((np.abs(lengths - 1) <= _UNIT) | (lengths == 0))
    if wrong.any():
        raise DataError(
            f"{path} has {wrong.sum():,} normals that are not of length 1 (one is {lengths[wrong][0]:g} long), so they "
            "may be colours; leave out --normals, or scale them."
        )
    return normals / np.where(lengths > 0, lengths, 1)[:, None]


def _plain(name: str) -> str:
    """A column's name as others write it too.

    >>> _plain("X"), _plain("normal_x"), _plain("NormalZ"), _plain("red")
    ('x', 'nx', 'nz', 'red')
    """
    return re.sub(r"^normal_?(?=[xyz]$)", "n", name.strip().lower())


def _by_place(table: NDArray) -> Columns:
    return dict(zip((*_XYZ, *_NORMAL), table.T, strict=False))


def _read_arrays(path: Path) -> Columns:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _columns_of(path, loaded)
        with loaded:
            return _columns_of_archive(path, loaded)
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise whatever they stumble over
        reason = "pickled objects are not loaded" if "pickle" in str(error) else " ".join(str(error).split())[:100]
        raise DataError(f"{path} is no array of numbers ({reason}); restore it or leave it out.") from None


def _columns_of_archive(path: Path, archive: Mapping[str, NDArray]) -> Columns:
    names = list(archive)
    name = names[0] if len(names) == 1 else next((name for name in _ARRAYS if name in names), None)
    if name is None:
        raise DataError(
            f"{path} holds the arrays {', '.join(names)} and none named points; name it so, or leave it out."
        )
    columns = dict(_columns_of(path, archive[name]))
    if "normals" in names and len(names) > 1:
        normals = _matrix(path, archive["normals"], len(columns["x"]))
        columns.update(zip(_NORMAL, normals.T, strict=False))
    return columns


def _columns_of(path: Path, array: NDArray) -> Columns:
    if array.dtype.names and array.ndim == 1:
        return {_plain(name): array[name] for name in array.dtype.names if array.dtype[name].kind in _NUMBERS}
    return _by_place(_matrix(path, array))


def _matrix(path: Path, array: NDArray, rows: int | None = None) -> NDArray:
    lying = array.ndim == 2 and (array.shape[0] == 3 < array.shape[1] or array.shape[0] < 10 < _WIDEST < array.shape[1])
    usable = array.ndim == 2 and array.shape[1] >= 3 and array.dtype.kind in _NUMBERS and rows in (None, len(array))
    if lying or not usable:
        raise DataError(
            f"{path} holds {array.dtype} {array.shape} where ({rows or 'points'}, 3 or more) numbers are expected; "
            f"{'transpose it' if lying else 'mend it or leave it out'}."
        )
    return array


def _read_table(path: Path, wanted: Sequence[str]) -> Columns:
    head = read_head(path, _XYZ)
    named = [_plain(name) for name in head.names]
    if named:
        there = [name for name in wanted if name in named]
        table = read_points(path, skip=head.lines, use=[named.index(name) for name in there])
        columns: Columns = dict(zip(there, table.T, strict=True))
    else:
        table = read_points(path, skip=head.lines)
        columns = _by_place(table)
    if head.count is not None and len(table) != head.count:
        raise DataError(f"{path} says that it has {head.count:,} points and holds {len(table):,}; restore it.")
    return columns
