"""One shard of a store: a plain .npy file of its items' rows, concatenated."""

import hashlib
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError, one_line
from randquant.kernels.file_runs import read_runs


@dataclass(frozen=True)
class Kind:
    """The dtype and shape of a store's rows."""

    dtype: np.dtype
    dimensions: int  # of a shard: 1 where a row is one number, 2 where it is a vector


KINDS = {
    "audio": Kind(np.dtype("<i2"), 1),
    "points": Kind(np.dtype("<f4"), 2),
    "images": Kind(np.dtype("|u1"), 1),
    "tables": Kind(np.dtype("<f4"), 2),
}

HEADER_BYTES = 128
_OPEN_FILES = 64  # of all stores of a process; the usual limit is 1,024 and some systems have 256


def shard_path(store: Path, number: int) -> Path:
    """The path of a shard."""
    return store / "shards" / f"{number:05d}.npy"


def record_path(store: Path, number: int) -> Path:
    """The path of a shard's description until the store is finished."""
    return store / "shards" / f"{number:05d}.json"


def require_shard(path: Path, kind: Kind, rows: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Check a shard's header and size; its rows are not read.

    Returns:
        The shape of one row; the file's size and time of modification in ns.

    Raises:
        DataError: it is missing, or has another dtype, rank, order, number of rows or of bytes.
    """
    try:
        with open(path, "rb") as file:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            start, status = file.tell(), os.fstat(file.fileno())
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read ({one_line(error)}); prepare the store again.") from None
    if dtype != kind.dtype or len(shape) != kind.dimensions or fortran:
        order = " in Fortran order" if fortran else ""
        raise DataError(
            f"{path} holds {len(shape)}-D {dtype}{order} where {kind.dimensions}-D {kind.dtype} was written; "
            "prepare the store again."
        )
    if shape[0] != rows:
        raise DataError(f"{path} has {shape[0]} rows where {rows} were written; prepare the store again.")
    expected = HEADER_BYTES + kind.dtype.itemsize * int(np.prod(shape, dtype=object))
    if (start, status.st_size) != (HEADER_BYTES, expected):
        raise DataError(
            f"{path} has {status.st_size:,} bytes where {expected:,} were written; prepare the store again."
        )
    return tuple(shape[1:]), (status.st_size, status.st_mtime_ns)


class ShardReader:
    """An open shard that copies rows out of the file; any thread or forked process may read.

    Nothing is mapped: a map would keep a descriptor for as long as any view of it lives, and end the process where a
    file is cut off under it.
    """

    def __init__(self, path: Path, kind: Kind, row_shape: tuple[int, ...]) -> None:
        self._path, self._dtype, self._row_shape = path, kind.dtype, row_shape
        self._row_bytes = kind.dtype.itemsize * int(np.prod(row_shape))
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise DataError(f"{path} cannot be read ({one_line(error)}); prepare the store again.") from None

    def rows(self, start: int, stop: int) -> NDArray:
        """Rows [start, stop), which lie within the shard.

        Raises:
            DataError: the file ends before.
        """
        out = np.empty((stop - start, *self._row_shape), self._dtype)
        if out.size:
            self._read(out.data.cast("B"), HEADER_BYTES + start * self._row_bytes)
        return out

    def fill(
        self, out: NDArray[np.uint8], places: NDArray[np.int64], sizes: NDArray[np.int64], starts: NDArray[np.int64]
    ) -> None:
        """Copy many runs of bytes of rows.

        Args:
            out: (bytes,) contiguous, which every run lies in.
            places: (n,) where in `out` each begins.
            sizes: (n,) bytes of each.
            starts: (n,) where in the shard's rows each begins, in bytes.

        Raises:
            DataError: the file ends before.
        """
        starts = starts + HEADER_BYTES
        done = read_runs(self._file.fileno(), out, places, sizes, starts)
        if done < len(places):
            for place, size, start in zip(*(each[done:].tolist() for each in (places, sizes, starts)), strict=True):
                self._read(out.data[place : place + size], start)

    def _read(self, wanted: memoryview, place: int) -> None:
        """Fill a piece of memory with the file's bytes from `place` on."""
        while len(wanted):
            count = self._read_into(wanted, place)
            if not count:
                raise DataError(f"{self._path} was cut off while it was read; prepare the store again.")
            place, wanted = place + count, wanted[count:]

    def _read_into(self, wanted: memoryview, place: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [wanted], place)
        with open(self._path, "rb", buffering=0) as file:  # Windows; a position of our own, for threads
            file.seek(place)
            return file.readinto(wanted) or 0


@lru_cache(_OPEN_FILES)
def opened_shard(store: Path, number: int, kind: str, row_shape: tuple[int, ...], opener: int) -> ShardReader:
    """A shard that is open for reading; its file is closed once it drops out of the cache and nobody reads from it.

    `opener` keeps apart two stores that lay at the same place one after the other.
    """
    return ShardReader(shard_path(store, number), KINDS[kind], row_shape)


class ShardWriter:
    """One shard while it is written: rows go straight to the file, so memory holds one block of one item."""

    def __init__(self, file: BinaryIO, kind: Kind) -> None:
        self._file = file
        self._kind = kind
        self._digest = hashlib.sha256()
        self._row_shape: tuple[int, ...] | None = () if kind.dimensions == 1 else None
        self._rows = 0
        self._items: list[dict[str, Any]] = []
        self._columns: dict[str, list[Any]] = {}
        self._skipped: list[dict[str, str]] = []
        self._sources: list[Sequence[Any]] = []
        file.write(bytes(HEADER_BYTES))

    def append(self, blocks: Iterable[NDArray], columns: Mapping[str, Any], own: Mapping[str, Any] = {}) -> None:
        """Add one item.

        Args:
            blocks: its rows in order, cut into arrays as the reader likes. What it raises half-way passes through and
                leaves the shard as it was.
            columns: its row of the manifest: `path`, where known `label`, `group`, `split`.
            own: the reader's own columns, to which more may come until the last block.
        """
        start, digest, row_shape = self._rows, self._digest.copy(), self._row_shape
        try:
            for block in blocks:
                self._write(block)
            if self._rows == start:
                raise DataError(f"{columns['path']} holds no rows.")
        except Exception:
            self._file.seek(HEADER_BYTES + start * self._row_bytes())
            self._rows, self._digest, self._row_shape = start, digest, row_shape
            self._file.truncate()
            raise
        self._items.append({**own, **columns, "offset": start, "length": self._rows - start})

    def extend(self, rows: NDArray, columns: Mapping[str, Sequence[Any]]) -> None:
        """Add items of one row each, many at once; a shard gets its items in this way or by `append`.

        Args:
            rows: a row an item.
            columns: their part of the manifest, as `append` takes it, a list of values each.
        """
        start = self._rows
        self._write(rows)
        added = {**columns, "offset": range(start, self._rows), "length": [1] * len(rows)}
        if self._items or any(len(values) != len(rows) for values in added.values()):
            raise ValueError(f"every column needs {len(rows)} values, and the shard no other items")
        for name, values in added.items():
            self._columns.setdefault(name, []).extend(values)

    def skip(self, path: str, reason: str) -> None:
        """Note an item that could not be read."""
        self._skipped.append({"path": path, "reason": reason})

    def note(self, source: Sequence[Any]) -> None:
        """Keep, until the store is finished, what is known of a file that is read: JSON values."""
        self._sources.append(source)

    def close(self) -> None:
        """Complete the file's header, now that the number of rows is known."""
        self._file.seek(0)
        self._file.write(
            npy_header(self._kind.dtype, (self._rows, *(self._row_shape or (0,) * (self._kind.dimensions - 1))))
        )

    def description(self) -> dict[str, Any]:
        """What the shard holds, as kept beside it until the store is finished."""
        return {
            "rows": self._rows,
            "sha256": self._digest.hexdigest(),
            "items": self._columns or self._items,
            "skipped": self._skipped,
            "sources": self._sources,
        }

    def _write(self, block: NDArray) -> None:
        if block.dtype != self._kind.dtype or block.ndim != self._kind.dimensions:
            expected = f"{self._kind.dimensions}-D {self._kind.dtype}"
            raise TypeError(f"a shard of this kind takes {expected} arrays, got {block.ndim}-D {block.dtype}")
        if self._row_shape is None:
            self._row_shape = block.shape[1:]
        if block.shape[1:] != self._row_shape:
            raise DataError(f"rows of shape {block.shape[1:]} where the items before have {self._row_shape}.")
        data = np.ascontiguousarray(block).data.cast("B") if block.size else b""
        self._file.write(data)
        self._digest.update(data)
        self._rows += len(block)

    def _row_bytes(self) -> int:
        return self._kind.dtype.itemsize * int(np.prod(self._row_shape or ()))


def npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The header of a version 1.0 .npy file, padded to a length that does not depend on the number of rows.

    Format: numpy.lib.format, "Format Version 1.0".
    """
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape!r}, }}"
    prefix = b"\x93NUMPY\x01\x00" + struct.pack("<H", HEADER_BYTES - 10)
    return prefix + text.encode("ascii").ljust(HEADER_BYTES - 11) + b"\n"
