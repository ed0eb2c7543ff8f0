"""Frozen features: extracted once by an encoder, kept beside their ids, labels and provenance, read by every
probe.

Nothing here knows what the items are: sounds and shapes go through the same door.
"""

import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.mapped_pages import let_go
from randquant.data.vector_file import VectorFile, naming
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.files.lock import lock_file
from randquant.inference import inference
from randquant.kept_memory import keep_freed_memory

FORMAT_VERSION = 1  # part of every cache key: raise it whenever the same settings would give other vectors
_CHECKSUM_ROWS = 4096
_SAVE_SECONDS = 20.0  # between notes of how far an extraction has come
_Batch = TypeVar("_Batch")


@dataclass(frozen=True)
class Items:
    """Id, label, group and split of each item: four lists of equal length.

    Attributes:
        ids: a name unique within the dataset, such as a relative path.
        labels: the class, None where there is none.
        groups: what must not be torn apart by a split (speaker, object, source recording), None where there
            is none.
        splits: "train", "valid", "test" or None.
    """

    ids: Sequence[str]
    labels: Sequence[str | None]
    groups: Sequence[str | None]
    splits: Sequence[str | None]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in vars(self).items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"ids, labels, groups and splits need one entry an item each, got lengths {lengths}")

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, split: str) -> NDArray[np.int64]:
        """Rows of a split, ascending."""
        return np.array([row for row, name in enumerate(self.splits) if name == split], dtype=np.int64)

    def take(self, rows: Iterable[int]) -> "Items":
        """The items of these rows, in their order."""
        chosen = [int(row) for row in rows]
        return Items(*([column[row] for row in chosen] for column in vars(self).values()))

    def digest(self) -> str:
        """SHA-256 of all four columns: it changes when an item, a label or a split does."""
        return _digest(vars(self))


@dataclass
class Features:
    """Vectors with their items and provenance.

    Attributes:
        vectors: (n, D) float32; may be a read-only memory map.
        ids, labels, groups, splits: as in `Items`.
        provenance: JSON-ready facts about encoder, data and settings.
    """

    vectors: NDArray[np.float32]
    ids: Sequence[str]
    labels: Sequence[str | None]
    groups: Sequence[str | None]
    splits: Sequence[str | None]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32:
            raise ValueError(
                f"vectors need shape (n, D) and dtype float32, got {self.vectors.shape} {self.vectors.dtype}"
            )
        if len(self.items) != len(self.vectors):
            raise ValueError(f"{len(self.vectors)} vectors need as many ids, got {len(self.items)}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def items(self) -> Items:
        """The items without their vectors."""
        return Items(self.ids, self.labels, self.groups, self.splits)

    def select(self, split: str) -> NDArray[np.int64]:
        """Rows of a split, ascending."""
        return self.items.select(split)


def extract(
    encode: Callable[[_Batch], Tensor],
    batches: Iterable[_Batch],
    *,
    write: Callable[[NDArray[np.float32]], None],
    count: int,
    start: int = 0,
) -> None:
    """Write `encode(batch)` of every batch, without gradients, in float32.

    Args:
        encode: maps a batch, (B, ...) or B items of any size, to embeddings (B, D) on any device.
        batches: the items of rows `start` to `count` - 1, in order.
        write: takes the embeddings (B, D) of each batch.
        count: n, rows in all.
        start: first row to write.

    Raises:
        DataError: an embedding is not finite, so the encoder is broken.
        ValueError: the batches hold more or fewer items than there are rows to write.
    """
    keep_freed_memory()
    row = start
    with inference():
        for batch in batches:
            vectors = encode(batch).float()
            stop = row + len(vectors)
            if stop > count:
                raise ValueError(f"more embeddings than the {count} rows there are")
            if not bool(torch.isfinite(vectors).all()):
                raise DataError(
                    f"The encoder gave NaN or infinite features for items {row} to {stop - 1}; "
                    "its weights are broken or do not fit this input: choose another checkpoint."
                )
            write(vectors.cpu().numpy())
            row = stop
    if row != count:
        raise ValueError(f"{row} embeddings for the {count} rows there are")


def cached(
    folder: str | Path,
    settings: dict[str, Any],
    items: Items,
    dimension: int,
    encode: Callable[[_Batch], Tensor],
    batches: Callable[[int], Iterable[_Batch]],
) -> Features:
    """Read features from the cache `folder`, or extract and store them there.

    An entry is a folder named by the hash of `settings`, the items and the format version; it holds
    `vectors.npy` (memory-mapped when read), `items.parquet` and `entry.json`. It appears whole or not at all,
    one that is damaged is made again, and an extraction that was interrupted goes on where it stopped.

    Args:
        folder: the cache.
        settings: JSON-ready; everything the vectors depend on besides the items, by content rather than by
            path.
        items: n items.
        dimension: D.
        encode: as in `extract`.
        batches: given a row, the batches from that row on; rows count in whole batches.

    Returns:
        Features whose `vectors` are a read-only memory map and whose provenance holds `settings`.
    """
    settings = {**settings, "items": items.digest(), "dimension": dimension, "format_version": FORMAT_VERSION}
    entry = Path(folder) / content_key(settings)
    lock = entry.with_name(entry.name + ".lock")
    vectors = None if lock.exists() else _read_entry(entry, settings, len(items), dimension)
    if vectors is None:
        # Another process may be making the same entry, or was killed before it took its lock away.
        with lock_file(lock):
            vectors = _read_entry(entry, settings, len(items), dimension)
            if vectors is None:
                _make_entry(entry, settings, items, dimension, encode, batches)
                vectors = _read_entry(entry, settings, len(items), dimension)
    if vectors is None:
        raise DataError(f"The features just written to {entry} read back damaged; check that disk or choose another.")
    return Features(vectors, **vars(items), provenance={"settings": settings})


def default_cache() -> Path:
    """The default feature cache: ${RANDQUANT_CACHE:-~/.cache/randquant}/features."""
    return Path(os.environ.get("RANDQUANT_CACHE") or "~/.cache/randquant").expanduser() / "features"


def content_key(settings: dict[str, Any]) -> str:
    """The name of a cache entry: 32 hexadecimal digits of the SHA-256 of JSON-ready settings."""
    return _digest(settings)[:32]


def _read_entry(entry: Path, settings: dict[str, Any], count: int, dimension: int) -> NDArray[np.float32] | None:
    """The vectors of a valid entry; None if it is absent, damaged or of another key."""
    try:
        record = read_json(entry / "entry.json")
        vectors = np.load(entry / "vectors.npy", mmap_mode="r", allow_pickle=False)
    except (DataError, OSError, ValueError, EOFError):
        return None
    sound = (
        record.get("settings") == json.loads(json.dumps(settings))
        and vectors.dtype == np.float32
        and vectors.shape == (count, dimension)
        and record.get("checksum") == checksum(vectors)
    )
    return vectors if sound else None


def _make_entry(
    entry: Path,
    settings: dict[str, Any],
    items: Items,
    dimension: int,
    encode: Callable[[_Batch], Tensor],
    batches: Callable[[int], Iterable[_Batch]],
) -> None:
    """Extract the vectors that an interrupted extraction has not left already, and complete the entry."""
    partial, shape = entry.with_name(entry.name + ".partial"), (len(items), dimension)
    try:
        start = done = _rows_done(partial, shape)
        saved = time.monotonic()
        with VectorFile(partial / "vectors.npy", shape, start) as file:

            def write(vectors: NDArray[np.float32]) -> None:
                nonlocal saved, done
                file.append(vectors)
                done += len(vectors)
                if time.monotonic() - saved >= _SAVE_SECONDS:
                    file.flush()
                    write_json(partial / "rows.json", {"rows": done})
                    saved = time.monotonic()

            extract(encode, batches(start), write=write, count=len(items), start=start)
            file.flush()
        _write_items(partial / "items.parquet", items)
        held = checksum(np.load(partial / "vectors.npy", mmap_mode="r", allow_pickle=False))
        write_json(partial / "entry.json", {"settings": settings, "checksum": held})
    except OSError:
        with suppress(OSError):  # trimmed to the rows that the next attempt can resume from
            if rows := _rows_done(partial, shape):
                VectorFile(partial / "vectors.npy", shape, rows).close()
            else:
                partial.rmdir()
        raise
    # A folder cannot be renamed over a damaged one that still holds files.
    shutil.rmtree(entry, ignore_errors=True)
    partial.rename(entry)


def _rows_done(partial: Path, shape: tuple[int, int]) -> int:
    """The number of rows that an interrupted extraction has written; 0 for an empty folder."""
    try:
        rows = int(read_json(partial / "rows.json")["rows"])
        if 0 < rows <= shape[0] and VectorFile.holds(partial / "vectors.npy", shape, rows):
            return rows
    except (DataError, OSError, ValueError, KeyError, TypeError):
        pass
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return 0


def _write_items(path: Path, items: Items) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = {"ids": "id", "labels": "label", "groups": "group", "splits": "split"}
    columns = {names[name]: pa.array(column, pa.string()) for name, column in vars(items).items()}
    with naming(path):
        pq.write_table(pa.table(columns), path)


def checksum(vectors: NDArray[np.float32]) -> int:
    """CRC-32 of vectors (n, D), as an entry of the cache keeps it."""
    value = 0
    for start in range(0, len(vectors), _CHECKSUM_ROWS):
        value = zlib.crc32(np.ascontiguousarray(vectors[start : start + _CHECKSUM_ROWS]).data, value)
        let_go(vectors)
    return value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
