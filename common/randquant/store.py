"""A prepared dataset: packed arrays that are memory-mapped, beside one Parquet table that says what is where.

A store is a folder:

    store.json         what it is; written last, so its presence means that the store is complete
    manifest.parquet   one row an item: path, label, group, split, shard, offset, length, and the reader's own
    shards/00000.npy   the items' rows one after the other; an item is rows [offset, offset + length)

Rows are samples (audio: 1-D int16) or points (2-D float32). The writer is resumable: each shard appears in
one step, with its rows described in `shards/00000.json`, and a shard that is there is never written again.
"""

import hashlib
import json
import re
import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from randquant.atomic import atomic_path, read_json, write_json, write_text
from randquant.errors import DataError
from randquant.lock import locked

FORMAT = "randquant-store"
VERSION = 1
SPLITS = ("train", "valid", "test")
_FOLD = re.compile("fold[1-9][0-9]*")


def is_fold(split: str | None) -> TypeGuard[str]:
    """Whether an item's split names a fold of cross-validation, fold1, fold2, …, instead of one of `SPLITS`."""
    return split is not None and _FOLD.fullmatch(split) is not None


@dataclass(frozen=True)
class Kind:
    """What one row of a store is."""

    dtype: np.dtype
    dimensions: int  # of a shard: 1 where a row is one number, 2 where it is a vector


KINDS = {"audio": Kind(np.dtype("<i2"), 1), "points": Kind(np.dtype("<f4"), 2)}

COLUMNS = {
    "path": pa.string(),
    "label": pa.string(),
    "group": pa.string(),
    "split": pa.string(),
    "shard": pa.int32(),
    "offset": pa.int64(),
    "length": pa.int64(),
}


class Store:
    """A complete store, open for reading. Use `Store.open`.

    Attributes:
        path: the folder.
        info: what store.json says.
        kind: "audio" or "points".
        content_hash: SHA-256 over every row and the manifest; equal hashes mean equal data, wherever they
            lie.
        lengths: (items,) int64, rows each item has.
    """

    def __init__(self, path: Path, info: dict[str, Any], manifest: pa.Table) -> None:
        self.path = path
        self.info = info
        self.kind: str = info["kind"]
        self.content_hash: str = info["content_hash"]
        self.lengths: NDArray[np.int64] = manifest["length"].to_numpy()
        self._offsets: NDArray[np.int64] = manifest["offset"].to_numpy()
        self._shard_of: NDArray[np.int32] = manifest["shard"].to_numpy()
        self._manifest = manifest
        self._shards: dict[int, NDArray] = {}

    @classmethod
    def open(cls, path: str | Path, *, kind: str | None = None) -> "Store":
        """Open the store in folder `path`; with `kind`, only a store of that kind.

        Raises:
            DataError: no store there, an unfinished one, one of another version or kind, or a damaged one.
        """
        path = Path(path)
        info = _read_info(path, kind)
        table = path / "manifest.parquet"
        try:
            manifest = pq.read_table(table)
        except FileNotFoundError:
            raise DataError(f"{table} is missing; prepare the store again.") from None
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{table} cannot be read ({_one_line(error)}); prepare the store again.") from None
        missing = [name for name in COLUMNS if name not in manifest.column_names]
        if missing or manifest.num_rows != info["items"]:
            raise DataError(f"{table} does not fit {path / 'store.json'}; prepare the store again.")
        return cls(path, info, manifest)

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a complete store lies at `path` (of whatever version)."""
        return (Path(path) / "store.json").is_file()

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}, kind={self.kind!r}, items={len(self)})"

    def __getstate__(self) -> dict[str, Any]:
        # A memory map pickles as its whole content; another process opens its own.
        return {**self.__dict__, "_shards": {}}

    def rows(self, index: int, start: int = 0, stop: int | None = None) -> NDArray:
        """Rows [start, stop) of an item: a read-only view into the memory map, nothing is copied.

        Returns:
            (rows,) int16 for audio, (rows, C) float32 for points; fewer rows where the item ends earlier.
        """
        shard = self._shard(int(self._shard_of[index]))
        offset = self._offsets[index]
        return shard[offset : offset + self.lengths[index]][start:stop]

    def column(self, name: str) -> list[Any]:
        """One column of the manifest as Python values, None where empty.

        Raises:
            KeyError: there is no such column.
        """
        return self._manifest[name].to_pylist()

    def select(self, split: str) -> NDArray[np.int64]:
        """The items of one split ("train", "valid", "test"): (n,) indices in order, empty where none."""
        if split not in SPLITS:
            raise ValueError(f"split should be one of {', '.join(SPLITS)}, got {split!r}")
        return np.flatnonzero(np.asarray(self.column("split"), dtype=object) == split).astype(np.int64)

    def _shard(self, number: int) -> NDArray:
        if number not in self._shards:
            self._shards[number] = _map_shard(_shard_path(self.path, number), self.info["shards"][number]["rows"])
        return self._shards[number]


class StoreWriter:
    """Writes a store shard by shard, in any order, from any number of processes at once.

    The object is small and picklable. One process calls `begin` and, in its block, `finish` when all shards
    are written; any process may write a shard in between. Stopping at any moment loses at most the shards
    being written.

    Args:
        path: the store's folder; created where absent.
        kind: "audio" or "points".
        plan: a hash of what the store will hold, so that another plan does not continue this one.
    """

    def __init__(self, path: str | Path, *, kind: str, plan: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind should be one of {', '.join(KINDS)}, got {kind!r}")
        self.path = Path(path)
        self.kind = kind
        self.plan = plan

    @contextmanager
    def begin(self) -> Iterator[bool]:
        """Create the folder or take up an unfinished store of the same plan; inside, no second run may begin.

        Yields:
            whether the store is complete already.

        Raises:
            DataError: the folder holds something else or a store of another plan, or another run is writing
                it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise DataError(f"{self.path} is a file, but a store is a folder; choose another --out.")
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            for leftover in [*self.path.glob(".*.partial*"), *self.path.glob("shards/.*.partial*")]:
                leftover.unlink(missing_ok=True)
            yield self._take_up()

    def is_written(self, number: int) -> bool:
        """Whether a shard is already there, whole."""
        return _rows_path(self.path, number).is_file()

    @contextmanager
    def shard(self, number: int) -> Iterator["ShardWriter"]:
        """A shard to append items to; it appears when the block ends, and not at all if the block fails."""
        with atomic_path(_shard_path(self.path, number)) as temporary, open(temporary, "w+b") as file:
            writer = ShardWriter(file, KINDS[self.kind])
            yield writer
            writer.close()
        write_text(_rows_path(self.path, number), json.dumps(writer.description()))

    def described(self, number: int) -> dict[str, Any]:
        """What a written shard holds: its `items`, its `skipped`, number of `rows` and their `sha256`."""
        return read_json(_rows_path(self.path, number))

    def finish(self, shards: int, info: Mapping[str, Any]) -> Store:
        """Write the manifest, then store.json with `info` in it, once all shards 0 … shards - 1 are written.

        Raises:
            DataError: no item is left; the folder is emptied, since there is nothing in it to keep.
        """
        described = [self.described(number) for number in range(shards)]
        items = [{**item, "shard": number} for number, shard in enumerate(described) for item in shard["items"]]
        skipped = [entry for shard in described for entry in shard["skipped"]]
        if not items:
            self.discard()
            raise DataError(_nothing_left(skipped))
        with atomic_path(self.path / "manifest.parquet") as temporary:
            pq.write_table(_manifest(items), temporary)
        write_json(
            self.path / "store.json",
            {
                "format": FORMAT,
                "version": VERSION,
                "kind": self.kind,
                **info,
                "items": len(items),
                "content_hash": _content_hash(self.kind, [shard["sha256"] for shard in described], items),
                "plan": self.plan,
                "skipped": skipped,
                "shards": [{"rows": shard["rows"], "sha256": shard["sha256"]} for shard in described],
            },
        )
        self._tidy(shards)
        return Store.open(self.path)

    def discard(self) -> None:
        """Remove everything written so far."""
        (self.path / "plan.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "shards", ignore_errors=True)

    def _tidy(self, shards: int) -> None:
        (self.path / "plan.json").unlink(missing_ok=True)
        for number in range(shards):
            _rows_path(self.path, number).unlink(missing_ok=True)

    def _take_up(self) -> bool:
        for name, state in (("store.json", "a complete"), ("plan.json", "an unfinished")):
            if not (self.path / name).is_file():
                continue
            record = read_json(self.path / name)
            if (record.get("version"), record.get("plan")) != (VERSION, self.plan):
                raise DataError(
                    f"{self.path} holds {state} store of other files or settings; "
                    "choose a new --out, or delete that folder."
                )
            return name == "store.json"
        if any(self.path.iterdir()):
            raise DataError(f"{self.path} is not empty and holds no store; choose a new folder for --out.")
        write_json(self.path / "plan.json", {"format": FORMAT, "version": VERSION, "plan": self.plan})
        return False


class ShardWriter:
    """One shard while it is written: rows go straight to the file, so memory holds one block of one item."""

    def __init__(self, file: BinaryIO, kind: Kind) -> None:
        self._file = file
        self._kind = kind
        self._digest = hashlib.sha256()
        self._row_shape: tuple[int, ...] | None = () if kind.dimensions == 1 else None
        self._rows = 0
        self._items: list[dict[str, Any]] = []
        self._skipped: list[dict[str, str]] = []
        file.write(bytes(_HEADER_BYTES))

    def append(self, blocks: Iterable[NDArray], columns: Mapping[str, Any]) -> None:
        """Add one item.

        Args:
            blocks: its rows in order, cut into arrays as the reader likes. A DataError that it raises
                half-way passes through and leaves the shard as it was.
            columns: its row of the manifest: `path`, where known `label`, `group`, `split`, and the reader's
                own.
        """
        start, digest = self._rows, self._digest.copy()
        try:
            for block in blocks:
                self._write(block)
            if self._rows == start:
                raise DataError(f"{columns['path']} holds no rows.")
        except DataError:
            self._rows, self._digest = start, digest
            self._file.seek(_HEADER_BYTES + start * self._row_bytes())
            self._file.truncate()
            raise
        self._items.append({**columns, "offset": start, "length": self._rows - start})

    def skip(self, path: str, reason: str) -> None:
        """Note an item that could not be read."""
        self._skipped.append({"path": path, "reason": reason})

    def close(self) -> None:
        """Complete the file's header, now that the number of rows is known."""
        self._file.seek(0)
        self._file.write(_npy_header(self._kind.dtype, (self._rows, *(self._row_shape or (0,) * self._row_rank()))))

    def description(self) -> dict[str, Any]:
        """What the shard holds, as kept beside it until the store is finished."""
        return {
            "rows": self._rows,
            "sha256": self._digest.hexdigest(),
            "items": self._items,
            "skipped": self._skipped,
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

    def _row_rank(self) -> int:
        return self._kind.dimensions - 1

    def _row_bytes(self) -> int:
        return self._kind.dtype.itemsize * int(np.prod(self._row_shape or ()))


_HEADER_BYTES = 128


def _npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The header of a version 1.0 .npy file, padded to a length that does not depend on the number of rows.

    Format: numpy.lib.format, "Format Version 1.0".
    """
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape!r}, }}"
    prefix = b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER_BYTES - 10)
    return prefix + text.encode("ascii").ljust(_HEADER_BYTES - 11) + b"\n"


def _shard_path(store: Path, number: int) -> Path:
    return store / "shards" / f"{number:05d}.npy"


def _rows_path(store: Path, number: int) -> Path:
    return store / "shards" / f"{number:05d}.json"


def _map_shard(path: Path, rows: int) -> NDArray:
    try:
        shard = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({_one_line(error)}); prepare the store again.") from None
    if len(shard) != rows:
        raise DataError(f"{path} has {len(shard)} rows where {rows} were written; prepare the store again.")
    return shard.view(np.ndarray)  # slicing a plain array is several times faster than slicing np.memmap


def _read_info(path: Path, kind: str | None) -> dict[str, Any]:
    if not path.exists():
        raise DataError(f"there is no store at {path}; check the path, or write one with python -m scripts.prepare.")
    if (path / "plan.json").is_file() and not Store.exists(path):
        raise DataError(f"the store {path} is unfinished; run the command that prepares it again, it will resume.")
    if not Store.exists(path):
        raise DataError(f"{path} is no store (it has no store.json); write one with python -m scripts.prepare.")
    info = read_json(path / "store.json")
    if info.get("format") != FORMAT:
        raise DataError(f"{path / 'store.json'} is not a store's description; check the path.")
    if info.get("version") != VERSION:
        raise DataError(
            f"{path} is a store of version {info.get('version')}, this program reads version {VERSION}; "
            "prepare it again with python -m scripts.prepare."
        )
    if kind is not None and info.get("kind") != kind:
        raise DataError(f"{path} holds {info.get('kind')} where {kind} is expected; give a store of {kind}.")
    absent = [key for key in ("kind", "items", "content_hash", "shards") if key not in info]
    if absent:
        raise DataError(f"{path / 'store.json'} lacks {', '.join(absent)}; prepare the store again.")
    return info


def _manifest(items: Sequence[Mapping[str, Any]]) -> pa.Table:
    extra = sorted({name for item in items for name in item} - set(COLUMNS))
    columns = {name: pa.array([item.get(name) for item in items], kind) for name, kind in COLUMNS.items()}
    return pa.table(columns | {name: pa.array([item.get(name) for item in items]) for name in extra})


def _content_hash(kind: str, shards: Sequence[str], items: Sequence[Mapping[str, Any]]) -> str:
    digest = hashlib.sha256(kind.encode())
    for line in shards:
        digest.update(line.encode())
    for item in items:
        digest.update(json.dumps(item, sort_keys=True).encode())
    return digest.hexdigest()


def _nothing_left(skipped: Sequence[Mapping[str, str]]) -> str:
    first = skipped[0]["reason"].rstrip(".") if skipped else "there were none"
    return f"none of the {len(skipped)} files could be read (the first: {first}), so no store was written."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
