"""One large array of clouds in a NumPy archive (.npz), read row by row, so it need not fit into memory."""

import math
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.engine.row_files import file_stamp
from randquant.data_prep.formats.clouds.arrays import read_npy_header
from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.errors import DataError


def npz_shape(path: Path) -> tuple[int, int, int]:
    """The shape (n, N, 3) of the archive's one array of clouds.

    Raises:
        DataError: the file is missing or no archive, or it holds anything else than one such array.
    """
    return _rows(path, file_stamp(path)).shape


def npz_row(path: Path, row: int) -> NDArray:
    """Read one cloud, (N, 3). Cheap only in order, since a compressed array can only be decompressed from its start.

    Raises:
        DataError: as `npz_shape`; the array ends earlier or is damaged.
    """
    return _rows(path, file_stamp(path)).read(row)


class _Rows:
    """The array of an archive, read row by row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
            self._name, self.shape, self._dtype = _array_of_clouds(path, self._archive)
            require_budget(path, math.prod(self.shape[1:]) * self._dtype.itemsize)
        except (OSError, zipfile.BadZipFile, zlib.error, ValueError) as error:
            raise DataError(f"{path} is not a NumPy archive ({error}); download it again.") from None
        self._stream: IO[bytes] | None = None
        self._row = 0  # that the stream gives next

    def read(self, row: int) -> NDArray:
        """(N, 3)."""
        size = math.prod(self.shape[1:]) * self._dtype.itemsize
        try:
            if self._stream is None or self._row > row:
                self._stream, self._row = self._archive.open(self._name), 0
                read_npy_header(self._stream)
            self._stream.seek((row - self._row) * size, 1)
            data = self._stream.read(size)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            self._stream = None
            raise DataError(f"{self._path} row {row} cannot be unpacked ({error}); download it again.") from None
        if len(data) < size:
            self._stream = None
            raise DataError(f"{self._path} ends before row {row}; download it again.")
        self._row = row + 1
        return np.frombuffer(data, dtype=self._dtype).reshape(self.shape[1:])


@lru_cache(maxsize=1)
def _rows(path: Path, stamp: tuple[int, int]) -> _Rows:
    """The open archive; `stamp` tells one version of the file from the next."""
    return _Rows(path)


def _array_of_clouds(path: Path, archive: zipfile.ZipFile) -> tuple[str, tuple[int, int, int], np.dtype]:
    """Name, shape and dtype of the one array of clouds; there may be others."""
    held, clouds = [], []
    for name in (name for name in archive.namelist() if name.endswith(".npy")):
        with archive.open(name) as stream:
            shape, fortran, dtype = read_npy_header(stream)
        held.append(f"{name.removesuffix('.npy')} {shape}")
        if len(shape) == 3 and shape[0] and shape[2] == 3 and dtype.kind == "f" and not fortran:
            clouds.append((name, shape, dtype))
    if len(clouds) != 1:
        raise DataError(
            f"{path} should hold one array of clouds (shapes, points, 3) but holds {', '.join(held) or 'none'}."
        )
    return clouds[0]
