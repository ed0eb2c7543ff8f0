"""The manifest of a store: one row per item, with its location and its metadata."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.content_hash import Columns, Rows, item_count
from randquant.data.parquet import open_parquet, parquet_schema
from randquant.errors import DataError, one_line
from randquant.extras import needs
from randquant.files.atomic import atomic_path

with needs("train"):
    import pyarrow as pa
    import pyarrow.parquet as pq

COLUMNS = {
    "path": pa.string(),
    "label": pa.string(),
    "group": pa.string(),
    "split": pa.string(),
    "shard": pa.int32(),
    "offset": pa.int64(),
    "length": pa.int64(),
}
_PLACES = ("shard", "offset", "length")
_ENCODED = dict.fromkeys(_PLACES, "DELTA_BINARY_PACKED")


def write_manifest(path: Path, columns: Sequence[pa.Schema], parts: Iterable[Rows]) -> None:
    """Write the table, a row group a shard, so that memory holds the items of one shard only.

    Args:
        path: the Parquet file; it appears whole or not at all.
        columns: the reader's own, of each part.
        parts: rows of the table by shard, in order, without the column `shard`.
    """
    own = pa.unify_schemas([pa.schema([]), *columns], promote_options="permissive")
    schema = pa.schema([*COLUMNS.items(), *sorted((field.name, field.type) for field in own)])
    # Differences of neighbours take a hundredth of the room of the numbers themselves, and a tenth of the time.
    encoding = {"use_dictionary": [name for name in schema.names if name not in _PLACES], "column_encoding": _ENCODED}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, **encoding) as writer:
        for shard, rows in enumerate(parts):
            if count := item_count(rows):
                values = {**_as_columns(rows, schema.names), "shard": [shard] * count}
                arrays = [pa.array(values.get(field.name, [None] * count), field.type) for field in schema]
                writer.write_table(pa.table(arrays, schema=schema))


def _as_columns(rows: Rows, names: Sequence[str]) -> Columns:
    return rows if isinstance(rows, Mapping) else {name: [row.get(name) for row in rows] for name in names}


def own_columns(rows: Rows) -> pa.Schema:
    """The reader's additional columns in some rows, and their types."""
    named = set(rows) if isinstance(rows, Mapping) else {name for row in rows for name in row}
    names = sorted(named - set(COLUMNS))
    columns = _as_columns(rows, names)
    return pa.schema([(name, pa.array(columns[name]).type) for name in names])


class Manifest:
    """A store's manifest. Item locations are held in memory; other columns are read on demand.

    Attributes:
        shards: (items,) int32, the shard of each item.
        offsets: (items,) int64, its first row in there.
        lengths: (items,) int64, its rows.
    """

    def __init__(self, path: Path, items: int, rows: Sequence[int]) -> None:
        """Open the table of `items` items in shards that have so many `rows`.

        Raises:
            DataError: it is missing, damaged, or does not tell where every row belongs.
        """
        self._path = path
        schema = self._read(lambda: parquet_schema(path))
        for name, kind in COLUMNS.items():
            found = schema.field(name).type if schema.names.count(name) == 1 else None
            if found is None or not (found == kind or (pa.types.is_string(kind) and found in _TEXT)):
                raise self._damaged(f"its column {name} is {'missing' if found is None else found}")
        table = self._read(lambda: _table(path, _PLACES))
        if table.num_rows != items:
            raise self._damaged(f"it has {table.num_rows:,} rows where there are {items:,} items")
        if any(table[name].null_count for name in _PLACES):
            raise self._damaged("it does not say where every item lies")
        self.shards: NDArray[np.int32] = table["shard"].to_numpy()
        self.offsets: NDArray[np.int64] = table["offset"].to_numpy()
        self.lengths: NDArray[np.int64] = table["length"].to_numpy()
        self._require_tiling(np.asarray(rows, dtype=np.int64))

    def column(self, name: str) -> list[Any]:
        """One column as Python values, None where empty; equal texts are one object where that saves memory.

        Raises:
            DataError: the file is gone or damaged.
            KeyError: there is no such column.
        """
        schema = self._read(lambda: parquet_schema(self._path))
        if name not in schema.names:
            raise KeyError(name)
        if name == "path" or not pa.types.is_string(schema.field(name).type):
            return self._read(lambda: _table(self._path, [name])[name].to_pylist())
        texts, codes = self._read(lambda: self._coded(name))
        return np.array([*texts, None], dtype=object)[codes].tolist()

    def select(self, column: str, value: str) -> NDArray[np.int64]:
        """The items of one value in a column of text: (n,) indices in order."""
        texts, codes = self._read(lambda: self._coded(column))
        found = np.flatnonzero(codes == texts.index(value)) if value in texts else np.empty(0)
        return found.astype(np.int64)

    def _coded(self, name: str) -> tuple[list[str], NDArray[np.int32]]:
        """The texts of a column, and for every item the place of its own, -1 where empty."""
        with open_parquet(self._path, read_dictionary=[name]) as file:
            column = file.read([name])[name]
        if not pa.types.is_dictionary(column.type):  # without a text at all
            return [], np.full(len(column), -1, np.int32)
        whole = column.unify_dictionaries().combine_chunks()
        codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return whole.dictionary.to_pylist(), codes.astype(np.int32, copy=False)

    def _require_tiling(self, rows: NDArray[np.int64]) -> None:
        """Every row of every shard belongs to exactly one item."""
        if len(self.shards) and not 0 <= int(self.shards.min()) <= int(self.shards.max()) < len(rows):
            raise self._damaged(f"it names shards other than the {len(rows):,} there are")
        if len(self.lengths) and int(self.lengths.min()) < 1:
            raise self._damaged("it holds items without rows")
        if self._lies_in_order(rows):
            return
        order = np.lexsort((self.offsets, self.shards))
        shards, starts = self.shards[order], self.offsets[order]
        ends = starts + self.lengths[order]
        first = np.flatnonzero(np.diff(shards, prepend=-1))
        expected = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        expected[first] = 0
        wrong = np.flatnonzero(starts != expected)
        held = np.zeros(len(rows), dtype=np.int64)
        held[shards] = ends  # the last one of each shard stays
        if len(wrong) or (held != rows).any():
            where = int(shards[wrong[0]]) if len(wrong) else int(np.flatnonzero(held != rows)[0])
            raise self._damaged(f"its offsets and lengths do not fit the {int(rows[where]):,} rows of shard {where}")

    def _lies_in_order(self, rows: NDArray[np.int64]) -> bool:
        """Whether the items follow one another as they lie in the shards and fill them, as writers leave them."""
        if not len(self.shards) or not bool((self.shards[1:] >= self.shards[:-1]).all()):
            return False
        limits = np.searchsorted(self.shards, np.arange(len(rows) + 1))
        for number, (start, stop) in enumerate(itertools.pairwise(limits.tolist())):
            ends = self.offsets[start:stop] + self.lengths[start:stop]
            if start == stop:
                if rows[number]:
                    return False
            elif self.offsets[start] or ends[-1] != rows[number] or (self.offsets[start + 1 : stop] != ends[:-1]).any():
                return False
        return True

    def _read(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except FileNotFoundError:
            raise DataError(f"{self._path} is missing; prepare the store again.") from None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._damaged(one_line(error)) from None

    def _damaged(self, how: str) -> DataError:
        return DataError(f"{self._path} is damaged ({how}); prepare the store again.")


def _table(path: Path, columns: Sequence[str]) -> pa.Table:
    with open_parquet(path) as file:
        return file.read(list(columns))


_TEXT = (pa.string(), pa.large_string(), pa.null())
