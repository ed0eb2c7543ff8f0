"""Source files as they were when read: size, modification time, and a hash of sampled bytes.

Names and sizes alone do not tell two datasets apart, nor a file from one that was written over it. So every file's
first, middle and last 16 KiB are hashed when it is read, which is all of a small one, and kept in `sources.parquet`
next to the store's table. When the store is met again, each file's size and time are compared, and the samples of those
that differ, of a few that do not, and of all where they now lie below another root; of at most `_MOST` in all. Copies
with other times are the same files; only other content is another dataset.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from randquant.errors import DataError, one_line
from randquant.files.atomic import atomic_path

FILE = "sources.parquet"
_BLOCK = 16 << 10  # bytes
_MOST = 4096  # files whose samples are compared
_SPOT = 64  # files whose samples are compared though size and time are equal


class SourceFile(NamedTuple):
    """A source file: its path below the root, size, time of the last change in ns, and the hash of its sample."""

    path: str
    size: int
    modified: int
    sample: str


@dataclass(frozen=True)
class Comparison:
    """How the source files of a store compare with the files now."""

    moved: bool  # they lie below another root
    others: int  # files whose time or size is another
    compared: int  # files whose samples were compared
    changed: Sequence[str]  # paths of those that have other content


def source(root: Path, path: str) -> SourceFile | None:
    """The current state of a file; None if it cannot be read."""
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(str(status.st_size).encode())
            middle, last = max(status.st_size // 2 - _BLOCK // 2, 0), max(status.st_size - _BLOCK, 0)
            for start in (0, middle, last) if status.st_size > 3 * _BLOCK else range(0, status.st_size, _BLOCK):
                file.seek(start)
                digest.update(file.read(_BLOCK) or b"")
    except (OSError, ValueError):
        return None
    return SourceFile(path, status.st_size, _changed(status), digest.hexdigest()[:32])


def write_sources(store: Path, root: Path, parts: Iterable[Sequence[SourceFile]]) -> None:
    """Write the states of the files and the path of their root."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = [pa.string(), pa.int64(), pa.int64(), pa.string()]
    schema = pa.schema(list(zip(SourceFile._fields, kinds, strict=True))).with_metadata(
        {"randquant": json.dumps({"root": os.path.realpath(root)})}
    )
    with atomic_path(store / FILE) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for part in parts:
            columns = list(zip(*part, strict=True)) or [()] * len(schema)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))


def read_sources(store: Path) -> tuple[str, list[SourceFile]] | None:
    """Read the root and the files of a finished store; None for stores of versions that did not record them.

    Raises:
        DataError: the file is damaged.
    """
    import pyarrow as pa

    from randquant.data.parquet import open_parquet

    path = store / FILE
    if not path.exists():
        return None
    try:
        with open_parquet(path) as file:
            root = json.loads(file.schema_arrow.metadata[b"randquant"])["root"]
            columns = [column.to_pylist() for column in file.read(list(SourceFile._fields)).columns]
        return str(root), [SourceFile(*row) for row in zip(*columns, strict=True)]
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{path} is damaged ({one_line(error)}); prepare the store again.") from None


def compare_files(known: Sequence[SourceFile], then: str, root: Path) -> Comparison:
    """Compare the recorded files below the root `then` with those of the same paths below `root`.

    A file that is gone is not compared: what was made of it is still right.
    """
    moved = os.path.realpath(root) != then
    found = [_status(root, entry.path) for entry in known]
    there = [place for place, status in enumerate(found) if status is not None]
    others = [place for place in there if found[place] != (known[place].size, known[place].modified)]
    doubtful = there if moved else others
    chosen = sorted({*_spread(doubtful, _MOST), *_spread(there, _SPOT)})
    now = [(known[place], source(root, known[place].path)) for place in chosen]
    changed = [was.path for was, new in now if new is not None and new.sample != was.sample]
    return Comparison(moved, len(others), len(chosen), changed)


def _status(root: Path, path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(os.path.join(root, path))
    except (OSError, ValueError):
        return None
    return status.st_size, _changed(status)


def _changed(status: os.stat_result) -> int:
    """The later of when a file was written and when its name or times were set, which no program can set back."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _spread(places: Sequence[int], count: int) -> list[int]:
    """At most `count` of them, evenly spaced."""
    if len(places) <= count:
        return list(places)
    return [places[at] for at in np.linspace(0, len(places) - 1, count).astype(int)]
