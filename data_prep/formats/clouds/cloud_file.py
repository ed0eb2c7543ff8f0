"""Point clouds from a user's files: arrays, text tables, PLY, PCD, OBJ, and scanner formats.

Columns are found by their names where a file has names (PLY, PCD, LAS, tables with a header) and by their places where
it has none: x, y, z and the normal after them, or as --columns says. Everything else (colours, intensities, labels) is
ignored. Rows without a point, which scanners fill with NaN, infinity or zeros, are left out and counted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.arrays import read_arrays, require_width
from randquant.data_prep.formats.clouds.columns import NORMAL, XYZ, Columns, by_name, plain_names
from randquant.data_prep.formats.clouds.e57 import read_e57
from randquant.data_prep.formats.clouds.las import read_las
from randquant.data_prep.formats.clouds.numbered import refuse_numbered
from randquant.data_prep.formats.clouds.pcd import read_pcd
from randquant.data_prep.formats.clouds.placeholders import without_placeholders
from randquant.data_prep.formats.clouds.point_table import first_rows, read_table
from randquant.data_prep.formats.clouds.ptx import read_ptx
from randquant.data_prep.formats.clouds.raw_floats import read_raw_floats
from randquant.data_prep.formats.clouds.table_head import read_head
from randquant.data_prep.formats.meshes.obj import read_obj_points
from randquant.data_prep.formats.meshes.ply import read_ply
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

TABLES = (".xyz", ".xyzn", ".xyzrgb", ".pts", ".asc", ".txt", ".csv")
CLOUDS = (".npy", ".npz", ".ply", ".pcd", ".las", ".laz", ".e57", ".ptx", ".bin", ".obj", *TABLES)

_FACE = re.compile(rb"^[ \t]*fo?[ \t]", re.MULTILINE | re.IGNORECASE)  # of an OBJ file
_UNIT = 0.05  # by how much the length of a normal may miss 1
_COARSE = 1e-4  # of the extent, the step of single precision from which on it shows
_FAR = 1000  # extents from the origin

Names = Sequence[str] | None


@dataclass(frozen=True)
class Cloud:
    """Points of a file."""

    points: NDArray[np.float64]  # (N, 3) coordinates, all finite
    normals: NDArray[np.float64] | None  # (N, 3) of length 1 (or 0, where the file has none); None where not asked for
    missing: int  # rows of the file that are not among the N
    notes: Mapping[str, int] = field(default_factory=dict)  # by the names of `randquant.data_prep.notes.READING`


def read_cloud(path: str | Path, *, normals: bool = False, columns: Names = None) -> Cloud:
    """The points of a file, whichever of `CLOUDS` it is.

    Args:
        path: an array (N, 3 or more), in an .npz file the only one or that named points, positions, xyz or pc, beside
            it `normals`; a table of numbers, with or without a header and first lines that count them; PLY with or
            without faces; PCD of any kind; LAS, LAZ, E57, PTX; the vertices of OBJ; bare 32-bit floats.
        normals: whether they are wanted.
        columns: names for the columns of files that do not name them, as `check_columns` gives them.

    Raises:
        DataError: the file is missing, of another format, truncated or broken; it has no x, y, z; or normals are
            wanted and there are none, or columns in their place that are not of length 1.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in CLOUDS:
        raise DataError(f"{path} is not a file of points; expected one that ends in {', '.join(CLOUDS)}.")
    if not path.is_file():
        raise DataError(f"{path} is not a file; check the path.")
    wanted = (*XYZ, *NORMAL) if normals else XYZ
    found = _read_table(path, columns, wanted) if suffix in TABLES else _READERS[suffix](path, columns)
    points = _stacked(path, found.values, XYZ, "coordinates x, y, z")
    directions = _stacked(path, found.values, NORMAL, "normals") if normals else None
    there, notes = without_placeholders(path, points)
    points = points[there]
    single = all(np.asarray(found.values[axis]).dtype.itemsize < 8 for axis in XYZ)
    missing = int(len(there) - there.sum()) + sum(
        found.notes.get(name, 0) for name in ("invalid_points", "empty_points")
    )
    return Cloud(
        points,
        None if directions is None else _unit(path, directions[there]),
        missing,
        {**found.notes, **notes, **_of_large_offsets(points, single)},
    )


def _read_ply(path: Path, names: Names) -> Columns:
    ply = read_ply(path)
    return Columns(by_name(path, ply.vertices.items()), {"unused_faces": len(ply.counts)} if len(ply.counts) else {})


def _read_obj(path: Path, names: Names) -> Columns:
    faces = len(_FACE.findall(read_bytes(path)))
    return Columns(dict(zip(XYZ, read_obj_points(path).T, strict=True)), {"unused_faces": faces} if faces else {})


_READERS: dict[str, Callable[[Path, Names], Columns]] = {
    ".npy": read_arrays,
    ".npz": read_arrays,
    ".ply": _read_ply,
    ".pcd": lambda path, _: Columns(by_name(path, read_pcd(path).items())),
    ".obj": _read_obj,
    ".las": lambda path, _: read_las(path),
    ".laz": lambda path, _: read_las(path),
    ".e57": lambda path, _: read_e57(path),
    ".ptx": lambda path, _: read_ptx(path),
    ".bin": read_raw_floats,
}


def _read_table(path: Path, names: Names, wanted: Sequence[str]) -> Columns:
    """Those of the columns `wanted` that a table has."""
    head = read_head(path)
    named = bool(head.names or names)
    if head.names:
        names = plain_names(path, head.names)
    elif names is not None:
        require_width(path, names, head.width)
    elif head.texts:
        raise DataError(
            f"{path} names its columns {', '.join(head.texts)[:60]} and not x, y and z; rename them, or give "
            "--columns with a name for each."
        )
    else:
        names = wanted[: head.width]
    there = [name for name in wanted if name in names]
    numbers, notes = read_table(path, head, [names.index(name) for name in there])
    if not named:
        refuse_numbered(path, numbers[:, 0], first_rows(head))
    return Columns(dict(zip(there, numbers.T, strict=True)), notes)


def _stacked(path: Path, columns: Mapping[str, NDArray], names: Sequence[str], what: str) -> NDArray[np.float64]:
    if not columns.keys() >= set(names):
        held = f"its columns are {', '.join(columns)}" if columns else "it has no columns"
        raise DataError(f"{path} has no {what} ({held}); rename its columns, or leave it out.")
    return np.stack([np.asarray(columns[name], dtype=np.float64) for name in names], axis=-1)


def _of_large_offsets(points: NDArray[np.float64], single: bool) -> dict[str, int]:
    """Whether a cloud lies far from the origin, and whether its file holds it too coarsely for that."""
    if not len(points):
        return {}
    extent = float(np.ptp(points, axis=0).max())
    distance = float(np.abs(points).max())
    coarse = single and float(np.spacing(np.float32(distance))) > _COARSE * extent > 0
    found = {"far_clouds": distance > _FAR * extent > 0, "coarse_clouds": coarse}
    return {name: 1 for name, there in found.items() if there}


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
