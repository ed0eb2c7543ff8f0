"""A .npy file of vectors that is appended row by row and can be resumed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from randquant.data.shard import npy_header

_DTYPE = np.dtype("<f4")


class VectorFile:
    """(n, D) float32, written in order and never mapped: a disk that fills up is an error, not the end of the process.

    Args:
        path: the file; its folder exists.
        shape: (n, D) once it is complete.
        rows: how many are there already, of an earlier attempt; 0 starts over.
    """

    def __init__(self, path: Path, shape: tuple[int, int], rows: int = 0) -> None:
        self._path, self._row_bytes = path, _DTYPE.itemsize * shape[1]
        header = npy_header(_DTYPE, shape)
        self._file: BinaryIO = open(path, "r+b" if rows else "wb")  # noqa: SIM115
        if not rows:
            self._file.write(header)
        self._file.truncate(len(header) + rows * self._row_bytes)
        self._file.seek(0, os.SEEK_END)

    @staticmethod
    def holds(path: Path, shape: tuple[int, int], rows: int) -> bool:
        """Whether the file is one of this shape with so many rows, or more."""
        header = npy_header(_DTYPE, shape)
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                return file.read(len(header)) == header and size >= len(header) + rows * _DTYPE.itemsize * shape[1]
        except OSError:
            return False

    def append(self, vectors: NDArray[np.float32]) -> None:
        """Add rows (k, D).

        Raises:
            OSError: with the file's name, as when the disk is full.
        """
        with naming(self._path):
            self._file.write(np.ascontiguousarray(vectors, _DTYPE).tobytes())

    def flush(self) -> None:
        """Bring all that was added to the disk itself."""
        with naming(self._path):
            flush_to_disk(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is still buffered may not fit on a full disk either, which is no second error.
        try:
            self.close()
        except OSError:
            if error is None:
                raise


def flush_to_disk(file: BinaryIO) -> None:
    """Bring what was written to the disk itself."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Inside, an error of the system that names no file, as that of a full disk, is about this one."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
