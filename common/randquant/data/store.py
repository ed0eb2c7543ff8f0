"""A prepared dataset: packed arrays and a Parquet manifest.

A store is a folder:

    store.json         what it is; written last, so its presence means that the store is complete
    manifest.parquet   one row an item: path, label, group, split, shard, offset, length, and the reader's own
    sources.parquet    what the files were that it was made of; verified.json, which shards were hashed and when
    shards/00000.npy   the items' rows one after the other; an item is rows [offset, offset + length)

Rows are samples (audio: 1-D int16), points (2-D float32), the bytes of pictures (1-D uint8), or rows of a table (2-D
float32, an item each). The writer (`randquant.data.store_writer`) is resumable: each shard appears in one step, with
its rows described in `shards/00000.json`, and a shard that is there is never written again.

Opening checks everything that is stated against the files: the table's types, offsets and lengths against the
shards' rows, and each shard's header and size. Whether the rows are those that were written is `verification`'s to
know. They are read when they are asked for, from at most 64 open files at a time, however many shards there
are.
"""

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from randquant.data.content_hash import require_hash
from randquant.data.shard import ShardReader, opened_shard
from randquant.data.store_description import read_info, require_shards
from randquant.data.store_writer import StoreWriter as StoreWriter
from randquant.data.verification import Verification

if TYPE_CHECKING:
    from randquant.data.manifest import Manifest

SPLITS = ("train", "valid", "test")
_FOLD = re.compile("fold[1-9][0-9]*")
_numbers = itertools.count()


def is_fold(split: str | None) -> TypeGuard[str]:
    """Whether an item's split names a fold of cross-validation, fold1, fold2, …, instead of one of `SPLITS`."""
    return split is not None and _FOLD.fullmatch(split) is not None


class Store:
    """A complete store, open for reading. Use `Store.open`.

    Attributes:
        path: the folder.
        info: what store.json says.
        kind: one of `randquant.data.shard.KINDS`.
        lengths: (items,) int64, rows each item has.
        verification: which shards are known to hold what was written.
    """

    def __init__(
        self, path: Path, info: dict[str, Any], manifest: "Manifest", row_shape: tuple[int, ...], known: Verification
    ) -> None:
        self.path = path
        self.info = info
        self.kind: str = info["kind"]
        self.lengths: NDArray[np.int64] = manifest.lengths
        self.verification = known
        self._manifest = manifest
        self._row_shape = row_shape
        self._number = next(_numbers)

    @classmethod
    def open(cls, path: str | Path, *, kind: str | None = None) -> "Store":
        """Open the store in folder `path`; with `kind`, only a store of that kind.

        Raises:
            DataError: no store there, an unfinished one, one of another version or kind, or a damaged one.
        """
        from randquant.data.manifest import Manifest  # late, since it loads pyarrow, which --help does not need

        path = Path(path)
        info = read_info(path, kind)
        rows = [shard["rows"] for shard in info["shards"]]
        table = path / "manifest.parquet"
        require_hash(table, info.get("manifest_sha256"))
        manifest = Manifest(table, info["items"], rows)
        row_shape, stamps = require_shards(path, info["kind"], rows)
        return cls(path, info, manifest, row_shape, Verification(path, info["shards"], stamps))

    @property
    def content_hash(self) -> str:
        """SHA-256 over every row and the manifest; equal hashes mean equal data, wherever they lie.

        Raises:
            DataError: a shard holds other bytes than were written; what was made of the right ones goes by this hash.
        """
        self.verification.require_all()
        return self.info["content_hash"]

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a complete store lies at `path` (of whatever version)."""
        return (Path(path) / "store.json").is_file()

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}, kind={self.kind!r}, items={len(self)})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_number": None}  # another process opens its own files

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _number=next(_numbers))

    def rows(self, index: int, start: int = 0, stop: int | None = None) -> NDArray:
        """Rows [start, stop) of an item, copied out of its shard.

        Returns:
            (rows,) int16 for audio, (rows, C) float32 for points and tables, (rows,) uint8 for images; fewer rows where
            the item ends earlier.

        Raises:
            DataError: the shard is gone or was cut off since the store was opened, or holds other bytes than were
                written.
        """
        first, last, _ = slice(start, stop).indices(int(self.lengths[index]))
        offset, number = int(self._manifest.offsets[index]), int(self._manifest.shards[index])
        return self._shard(number).rows(offset + first, offset + max(first, last))

    def gather(
        self,
        out: NDArray,
        places: NDArray[np.int64],
        items: NDArray[np.int64],
        starts: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        """Copy runs of rows of many items, each file's one after the other.

        Args:
            out: (rows, ...) of the store's dtype, contiguous.
            places: (n,) the row of `out` at which each run begins.
            items: (n,) whose rows they are.
            starts: (n,) the item's row at which each begins.
            counts: (n,) its rows.

        Raises:
            DataError: as `rows`.
            ValueError: a run does not lie within its item, or within `out`.
        """
        if len(items) == 0:
            return
        if min(places.min(), counts.min(), starts.min()) < 0 or (places + counts).max() > len(out):
            raise ValueError(f"a run of rows begins below zero or ends behind the {len(out)} of the array for them")
        if (starts + counts > self.lengths[items]).any():
            raise ValueError("a run of rows ends behind its item")
        order = np.argsort(self._manifest.shards[items], kind="stable")
        items, row_bytes = items[order], out.dtype.itemsize * out[:1].size
        numbers, begins = self._manifest.shards[items], self._manifest.offsets[items] + starts[order]
        runs = [each * row_bytes for each in (places[order], counts[order], begins)]
        whole = out.reshape(-1).view(np.uint8)
        ends = np.flatnonzero(np.diff(numbers, append=-1)) + 1
        for first, last in itertools.pairwise([0, *ends.tolist()]):
            self._shard(int(numbers[first])).fill(whole, *(each[first:last] for each in runs))

    def _shard(self, number: int) -> ShardReader:
        self.verification.require(number)
        return opened_shard(self.path, number, self.kind, self._row_shape, self._number)

    def every_row(self) -> NDArray:
        """All rows of all items, shard after shard, in one array: the table of a store of tables.

        Raises:
            DataError: as `rows`.
        """
        parts = []
        for number, shard in enumerate(self.info["shards"]):
            parts.append(self._shard(number).rows(0, int(shard["rows"])))
        return np.concatenate(parts)

    def column(self, name: str) -> list[Any]:
        """One column of the manifest as Python values, None where empty.

        Raises:
            KeyError: there is no such column.
        """
        return self._manifest.column(name)

    def select(self, split: str) -> NDArray[np.int64]:
        """The items of one split ("train", "valid", "test"): (n,) indices in order, empty where none."""
        if split not in SPLITS:
            raise ValueError(f"split should be one of {', '.join(SPLITS)}, got {split!r}")
        return self._manifest.select("split", split)
