"""The manifest of a store: one row per item, with its location and its metadata."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.content_hash import Columns, Rows, item_count
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


def write_manifest(path: Path, columns: Sequence[pa.Schema], parts: Iterable[Rows]) -> None:
    """Write the table, a row group a shard, so that memory holds the items of one shard only.

    Args:
        path: the Parquet file; it appears whole or not at all.
        columns: the reader's own, of each part.
        parts: rows of the table by shard, in order, without the column `shard`.
    """
    own = pa.unify_schemas([pa.schema([]), *columns], promote_options="permissive")
    schema = pa.schema([*COLUMNS.items(), *sorted((field.name, field.type) for field in own)])
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
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
        schema = self._read(lambda: pq.read_schema(path))
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
        if name not in self._read(lambda: pq.read_schema(self._path)).names:
            raise KeyError(name)
        values = self._read(lambda: _table(self._path, [name])[name].combine_chunks())
        if name == "path" or not pa.types.is_string(values.type):
            return self._read(values.to_pylist)
        coded = values.dictionary_encode(null_encoding="encode")
        texts = np.array([*self._read(coded.dictionary.to_pylist), None], dtype=object)
        return texts[coded.indices.to_numpy(zero_copy_only=False)].tolist()

    def select(self, column: str, value: str) -> NDArray[np.int64]:
        """The items of one value in a column: (n,) indices in order."""
        held = np.asarray(self.column(column), dtype=object)
        return np.flatnonzero(held == value).astype(np.int64)

    def _require_tiling(self, rows: NDArray[np.int64]) -> None:
        """Every row of every shard belongs to exactly one item."""
        if len(self.shards) and not 0 <= int(self.shards.min()) <= int(self.shards.max()) < len(rows):
            raise self._damaged(f"it names shards other than the {len(rows):,} there are")
        if len(self.lengths) and int(self.lengths.min()) < 1:
            raise self._damaged("it holds items without rows")
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
    # Not pq.read_table, which takes folders named a=b for columns.
    with pq.ParquetFile(path) as file:
        return file.read(list(columns))


_TEXT = (pa.string(), pa.large_string(), pa.null())
