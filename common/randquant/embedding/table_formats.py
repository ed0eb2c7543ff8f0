"""The formats of a table of embeddings, by the suffix of its file.

    .parquet    one file: columns, embeddings, and the provenance in the schema's metadata
    .npy        embeddings (n, D) float32; beside it NAME.rows.csv, the other columns, and NAME.about.json
    .csv        one file: columns, then e0, e1, ...; beside it NAME.about.json

Whatever is written appears whole or not at all; a table that is appended to stays as it was until then.
"""

import csv
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.parquet import open_parquet, parquet_schema, read_parquet
from randquant.errors import DataError, one_line
from randquant.extras import needs
from randquant.files.atomic import atomic_path, read_json
from randquant.files.csv_writer import csv_cell

with needs("train"):
    import pyarrow as pa
    import pyarrow.parquet as pq

KEY = b"randquant"  # of a schema's metadata
_VECTORS = "embedding"
_COPIED = 1 << 24  # bytes copied at once


class TableFormat(ABC):
    """Reads and writes tables of embeddings in one format."""

    @abstractmethod
    def write(
        self, out: Path, schema: pa.Schema, parts: Iterable[pa.Table], rows: int, *, behind: Path | None = None
    ) -> None:
        """Write parts of a table, `rows` in all, behind those of the table `behind`, which may be `out` itself.

        Raises:
            DataError: `behind` is damaged.
        """

    @abstractmethod
    def paths(self, table: Path) -> set[str]:
        """What the column `path` holds, as `spelt` spells it.

        Raises:
            DataError: it is damaged or has no such column.
        """

    @abstractmethod
    def columns(self, table: Path) -> list[str]:
        """Its columns but the embedding, and the number of dimensions as the last.

        Raises:
            DataError: it is damaged.
        """

    @abstractmethod
    def about(self, table: Path) -> dict[str, Any]:
        """Its provenance.

        Raises:
            DataError: it is damaged or has none.
        """

    def spelt(self, path: str) -> str:
        """A path as the table spells it."""
        return path


class ParquetFormat(TableFormat):
    """One Parquet file."""

    def write(
        self, out: Path, schema: pa.Schema, parts: Iterable[pa.Table], rows: int, *, behind: Path | None = None
    ) -> None:
        with atomic_path(out) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            if behind is not None:
                with _explained(behind), open_parquet(behind) as file:
                    for group in range(file.num_row_groups):
                        writer.write_table(file.read_row_group(group).cast(schema))
            for part in parts:
                writer.write_table(part)

    def paths(self, table: Path) -> set[str]:
        with _explained(table):
            return set(read_parquet(table, ["path"])["path"].to_pylist())

    def columns(self, table: Path) -> list[str]:
        with _explained(table):
            schema = parquet_schema(table)
            names = [name for name in schema.names if name != _VECTORS]
            return [*names, str(schema.field(_VECTORS).type.list_size)]

    def about(self, table: Path) -> dict[str, Any]:
        with _explained(table):
            return dict(json.loads(parquet_schema(table).metadata[KEY]))


class _TextRows(TableFormat):
    """Columns as CSV, provenance as JSON beside it."""

    def rows_file(self, out: Path) -> Path:
        """The CSV file."""
        return out

    def spelt(self, path: str) -> str:
        return csv_cell(path)

    def paths(self, table: Path) -> set[str]:
        with _explained(table), open(self.rows_file(table), encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return {row["path"] for row in rows}

    def about(self, table: Path) -> dict[str, Any]:
        return read_json(beside(table, "about.json"))

    def _header(self, table: Path) -> list[str]:
        with _explained(table), open(self.rows_file(table), encoding="utf-8", newline="") as file:
            return next(csv.reader(file))


class CsvFormat(_TextRows):
    """One CSV file with a column a dimension, and its provenance."""

    def write(
        self, out: Path, schema: pa.Schema, parts: Iterable[pa.Table], rows: int, *, behind: Path | None = None
    ) -> None:
        size = schema.field(_VECTORS).type.list_size
        names = [*_names(schema), *(f"e{number}" for number in range(size))]
        with _provenance(out, schema), atomic_path(out) as temporary, _text(temporary) as file:
            writer = _begun(file, behind, names)
            for part in parts:
                for cells, vector in zip(_cells(part), _vectors(part), strict=True):
                    writer.writerow([*cells, *map(str, vector)])

    def columns(self, table: Path) -> list[str]:
        names = self._header(table)
        size = sum(name[:1] == "e" and name[1:].isdecimal() for name in names)
        return [*names[: len(names) - size], str(size)]


class NpyFormat(_TextRows):
    """A NumPy file, a CSV file of the other columns, and the provenance."""

    def rows_file(self, out: Path) -> Path:
        return beside(out, "rows.csv")

    def write(
        self, out: Path, schema: pa.Schema, parts: Iterable[pa.Table], rows: int, *, behind: Path | None = None
    ) -> None:
        before = self._vectors(behind) if behind is not None else np.empty((0, 0), np.float32)
        shape, at = (len(before) + rows, schema.field(_VECTORS).type.list_size), len(before)
        csv_path = self.rows_file(out)
        with _provenance(out, schema), atomic_path(csv_path) as rows_file, atomic_path(out) as temporary:
            vectors = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
            if len(before):
                vectors[: len(before)] = before
            with _text(rows_file) as file:
                writer = _begun(file, self.rows_file(behind) if behind is not None else None, _names(schema))
                for part in parts:
                    vectors[at : at + len(part)] = _vectors(part)
                    at += len(part)
                    writer.writerows(_cells(part))
            vectors.flush()

    def columns(self, table: Path) -> list[str]:
        return [*self._header(table), str(self._vectors(table).shape[1])]

    def _vectors(self, table: Path) -> NDArray[np.float32]:
        with _explained(table):
            vectors: NDArray[np.float32] = np.load(table, mmap_mode="r", allow_pickle=False)
            with open(self.rows_file(table), encoding="utf-8", newline="") as file:
                rows = sum(1 for _ in csv.reader(file)) - 1
        if vectors.ndim != 2 or len(vectors) != rows:
            raise DataError(f"{table} has {len(vectors):,} rows and {self.rows_file(table)} {rows:,}; embed them anew.")
        return vectors


FORMATS: dict[str, TableFormat] = {".parquet": ParquetFormat(), ".npy": NpyFormat(), ".csv": CsvFormat()}


def format_of(out: Path) -> TableFormat:
    """The format that a file's suffix names.

    Raises:
        DataError: none.
    """
    try:
        return FORMATS[out.suffix]
    except KeyError:
        raise DataError(f"{out} should end in {', '.join(FORMATS)}; rename it.") from None


def beside(out: Path, what: str) -> Path:
    """What belongs to a table and lies beside it.

    >>> beside(Path("a/x.npy"), "rows.csv").as_posix()
    'a/x.rows.csv'
    """
    return out.with_name(f"{out.stem}.{what}")


@contextmanager
def _provenance(out: Path, schema: pa.Schema) -> Iterator[None]:
    """Write it beside what the block writes."""
    with atomic_path(beside(out, "about.json")) as temporary:
        temporary.write_text(json.dumps(json.loads(schema.metadata[KEY]), ensure_ascii=False, indent=1) + "\n")
        yield


def _text(path: Path) -> IO[str]:
    return open(path, "w", encoding="utf-8", newline="")


def _begun(file: IO[str], behind: Path | None, names: list[str]) -> Any:
    """A writer of rows that go on from those of a table, or that has written the header."""
    writer = csv.writer(file, lineterminator="\n")
    if behind is None:
        writer.writerow(names)
        return writer
    with open(behind, encoding="utf-8", newline="") as before:
        shutil.copyfileobj(before, file, _COPIED)
    return writer


def _names(schema: pa.Schema) -> list[str]:
    return [name for name in schema.names if name != _VECTORS]


def _cells(part: pa.Table) -> Iterator[list[str]]:
    columns = [part[name].to_pylist() for name in _names(part.schema)]
    return ([csv_cell(cell) for cell in row] for row in zip(*columns, strict=True))


def _vectors(part: pa.Table) -> NDArray[np.float32]:
    size = part.schema.field(_VECTORS).type.list_size
    flat: NDArray[np.float32] = part[_VECTORS].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, size)


@contextmanager
def _explained(table: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, pa.ArrowException) as error:
        raise DataError(f"{table} is no whole table of embed ({one_line(error)[:80]}); choose another --out.") from None
