"""A spool of vectors on disk until a table is written, in parts that survive an interrupted process."""

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.vector_file import flush_to_disk, naming
from randquant.errors import DataError
from randquant.files.lock import locked

_FORMAT = "randquant-spool-1"
_BLOCK = 1 << 24  # bytes that are read at once to check what an earlier run left


class Spool:
    """Vectors (n, D) float32 in a folder, and a record for each finished part of them. Use `spool`.

    Attributes:
        dimension: D.
        records: JSON values given to `finish_part`, those of an earlier, interrupted run first.
        count: vectors so far.
        kept: those of finished parts.
        resumed: parts that an earlier run finished.
    """

    def __init__(self, folder: Path, dimension: int, fingerprint: str) -> None:
        self.dimension = dimension
        self.records: list[Any] = []
        self.count = 0
        self._vectors_path, self._parts_path = folder / "vectors", folder / "parts"
        head = {"format": _FORMAT, "fingerprint": fingerprint, "dimension": dimension}
        self._take_up(json.dumps(head))
        self.resumed, self.kept = len(self.records), self.count
        self._checksum = 0

    def found_before(self, skipped: dict[str, str], columns: list[Mapping[str, Any]]) -> int:
        """Take up what an interrupted run had found, of records with `stop`, `skipped` and `columns`.

        Args:
            skipped: name -> reason, where its unreadable files go.
            columns: where what it knew of each readable file goes.

        Returns:
            How many files it had done.
        """
        for record in self.records:
            skipped.update(record["skipped"])
            columns += record["columns"]
        return int(self.records[-1]["stop"]) if self.records else 0

    def append(self, vectors: NDArray[np.float32]) -> None:
        """Add vectors, (D,) or (n, D).

        Raises:
            DataError: they hold NaN or infinity.
        """
        if not np.isfinite(vectors).all():
            raise DataError("The encoder gave NaN or infinite embeddings; its weights are broken: use others.")
        data = np.ascontiguousarray(vectors, dtype=np.float32).tobytes()
        with naming(self._vectors_path):
            self._vectors.write(data)
        self._checksum = zlib.crc32(data, self._checksum)
        self.count += vectors.size // self.dimension

    def finish_part(self, record: Any) -> None:
        """Make what was appended since the last part durable, with a JSON value that tells what it is."""
        with naming(self._vectors_path):
            flush_to_disk(self._vectors)
        line = json.dumps({"count": self.count, "crc32": self._checksum, "record": record}, default=_plain) + "\n"
        with naming(self._parts_path):
            self._parts.write(line.encode())
            flush_to_disk(self._parts)
        self.records.append(json.loads(line)["record"])  # as the next run would find it
        self._checksum, self.kept = 0, self.count

    def vectors(self) -> NDArray[np.float32]:
        """All of them, (n, D), memory-mapped."""
        with naming(self._vectors_path):
            self._vectors.flush()
        return np.memmap(self._vectors_path, np.float32, "r", shape=(self.count, self.dimension))

    def close(self) -> None:
        """Close the files; they stay where they are. What no part of them holds may be lost, as on a full disk."""
        for file in (self._vectors, self._parts):
            with suppress(OSError):
                file.close()

    def _take_up(self, head: str) -> None:
        """Open the files behind the parts of an earlier run of the same fingerprint, or empty ones."""
        size = len(head) + 1
        if self._vectors_path.is_file() and self._parts_path.is_file():
            with open(self._parts_path, "rb") as parts:
                if parts.readline() == head.encode() + b"\n":
                    size = self._read_parts(parts.read().splitlines(keepends=True), size)
        self._vectors = open(self._vectors_path, "ab")  # noqa: SIM115
        self._parts = open(self._parts_path, "ab")  # noqa: SIM115
        self._vectors.truncate(4 * self.dimension * self.count)
        self._parts.truncate(size if self.records else 0)
        if not self.records:
            self._parts.write(head.encode() + b"\n")

    def _read_parts(self, lines: list[bytes], size: int) -> int:
        """Remember the parts that are whole; returns the bytes of the list of parts up to there."""
        with open(self._vectors_path, "rb") as vectors:
            for line in lines:
                part = _part(line)
                if part is None or part["crc32"] != _crc32(vectors, 4 * self.dimension * (part["count"] - self.count)):
                    break
                self.records.append(part["record"])
                self.count = part["count"]
                size += len(line)
        return size


@contextmanager
def spool(out: Path, dimension: int, identity: Mapping[str, Any]) -> Iterator[Spool]:
    """The spool of a table: a hidden folder beside it, removed when the block succeeds.

    A run that is stopped or killed leaves it behind; the next one of the same identity finds the parts that were
    finished. One without vectors in such a part, or of another identity, is of no use and goes.

    Args:
        out: the table to be written.
        dimension: D.
        identity: JSON values: everything the vectors depend on.

    Raises:
        DataError: another process writes the same table.
    """
    folder = out.with_name(f".{out.name}.spool")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        text = json.dumps(identity, sort_keys=True)
        waiting = Spool(folder, dimension, hashlib.sha256(text.encode()).hexdigest())
        done = False
        try:
            yield waiting
            done = True
        finally:
            waiting.close()
            if done or not waiting.kept:
                shutil.rmtree(folder, ignore_errors=True)


def file_states(root: Path, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Name, size and time of the last change of each file, for a spool's identity; zeros where it is gone."""
    return [(name, *_state(root / name)) for name in names]


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _part(line: bytes) -> dict[str, Any] | None:
    """A line of the list of parts; None if it was not written completely."""
    try:
        part = json.loads(line)
    except ValueError:
        return None
    whole = line.endswith(b"\n") and isinstance(part, dict) and part.keys() == {"count", "crc32", "record"}
    return part if whole else None


def _crc32(file: Any, size: int) -> int | None:
    """CRC-32 of the next `size` bytes; None if there are fewer."""
    value = 0
    while size > 0:
        block = file.read(min(size, _BLOCK))
        if not block:
            return None
        value = zlib.crc32(block, value)
        size -= len(block)
    return value if size == 0 else None


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a record should hold JSON values, got {type(value).__name__}")
