"""Point clouds in NumPy files (.npy, .npz), whose sizes are checked against a budget before they are loaded."""

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.data_prep.formats.clouds.columns import NORMAL, XYZ, Columns, by_name
from randquant.data_prep.formats.clouds.numbered import LOOKED_AT, refuse_numbered
from randquant.errors import DataError

_ARRAYS = ("points", "positions", "xyz", "pc")  # what those of coordinates are called
_NUMBERS = "fiu"  # kinds of NumPy arrays
_WIDEST = 100  # unnamed columns; more are points lying down, images or features


def read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read shape, order (True for Fortran) and dtype; the stream is left after the header. Nothing is unpickled.

    Raises:
        ValueError: it is no .npy.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype


def read_arrays(path: Path, names: Sequence[str] | None = None) -> Columns:
    """Read the columns of an array (N, 3 or more); in an archive, of the array named points, positions, xyz or pc.

    Args:
        path: .npy or .npz; an archive may hold `normals` (N, 3) as well.
        names: of the columns of an array that has none.

    Raises:
        DataError: it is not an array of numbers, is too large, or has columns that `names` do not fit.
    """
    try:
        if not zipfile.is_zipfile(path):
            with open(path, "rb") as stream:
                return Columns(_columns_of(path, _read_array(path, stream, path.stat().st_size), names))
        with zipfile.ZipFile(path) as archive:
            return Columns(_columns_of_archive(path, archive, names))
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise whatever they stumble over
        reason = "pickled objects are not loaded" if "pickle" in str(error) else " ".join(str(error).split())[:100]
        raise DataError(f"{path} is not an array of numbers ({reason}); restore it or leave it out.") from None


def _read_array(path: Path, stream: IO[bytes], size: int | None = None) -> NDArray:
    """An array that is not too large, and with nothing behind it where the stream's size is given."""
    shape, _, dtype = read_npy_header(stream)
    held = math.prod(shape) * dtype.itemsize
    if size is not None and size > stream.tell() + held and not dtype.hasobject:
        rest = size - stream.tell() - held
        raise DataError(f"{path} holds {rest:,} bytes after its array, maybe a second one; split it.")
    require_budget(path, held)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _columns_of_archive(path: Path, archive: zipfile.ZipFile, names: Sequence[str] | None) -> dict[str, NDArray]:
    held = {name.removesuffix(".npy"): name for name in archive.namelist()}
    found = list(held) if len(held) == 1 else [name for name in _ARRAYS if name in held]
    if len(found) > 1:
        raise DataError(
            f"{path} holds the arrays {' and '.join(found)}, and either may be the points; keep one of them."
        )
    if not found:
        raise DataError(
            f"{path} holds the arrays {', '.join(held)} and none named points; name it so, or leave it out."
        )
    with archive.open(held[found[0]]) as stream:
        columns = _columns_of(path, _read_array(path, stream), names)
    if "normals" in held and len(held) > 1:
        with archive.open(held["normals"]) as stream:
            normals = _matrix(path, _read_array(path, stream), len(columns["x"]))
        columns.update(zip(NORMAL, normals.T, strict=False))
    return columns


def _columns_of(path: Path, array: NDArray, names: Sequence[str] | None) -> dict[str, NDArray]:
    if array.dtype.names and array.ndim == 1:
        return by_name(path, _fields(array))
    table = _matrix(path, array)
    if names is None:
        refuse_numbered(path, table[:, 0], table[:LOOKED_AT])
        names = (*XYZ, *NORMAL)
    else:
        require_width(path, names, table.shape[1])
    return dict(zip(names, table.T, strict=False))


def _fields(array: NDArray) -> list[tuple[str, NDArray]]:
    """The numeric fields of a structured array; a field xyz of three numbers becomes xyz_0, xyz_1, xyz_2."""
    found = []
    for name in array.dtype.names or ():
        values = array[name]
        if values.dtype.kind in _NUMBERS and values.ndim == 1:
            found.append((name, values))
        elif values.dtype.kind in _NUMBERS and values.ndim == 2 and values.shape[1] <= len(XYZ):
            found += [(f"{name}_{place}", column) for place, column in enumerate(values.T)]
    return found


def require_width(path: Path, names: Sequence[str], width: int) -> None:
    """Refuse --columns of another length than the file has columns.

    Raises:
        DataError: saying so.
    """
    if len(names) != width:
        raise DataError(
            f"{path} has {width} columns where --columns names {len(names)}; name each, _ for those to skip."
        )


def _matrix(path: Path, array: NDArray, rows: int | None = None) -> NDArray:
    lying = array.ndim == 2 and (array.shape[0] == 3 < array.shape[1] or array.shape[0] < 10 < array.shape[1] > 50)
    usable = array.ndim == 2 and array.shape[1] >= 3 and array.dtype.kind in _NUMBERS and rows in (None, len(array))
    if usable and not lying and array.shape[1] > _WIDEST:
        raise DataError(
            f"{path} has {array.shape[1]:,} columns without names, so it is an image or features and no cloud; leave "
            "it out."
        )
    if lying or not usable:
        raise DataError(
            f"{path} holds {array.dtype} {array.shape} where ({rows or 'points'}, 3 or more) numbers are expected; "
            f"{'transpose it' if lying else 'fix it or leave it out'}."
        )
    return array
