"""Rows of Parquet and Arrow files: whole columns of small values, and one file after the other of a large one."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from randquant.data_prep.engine.row_files import file_stamp
from randquant.data_prep.formats.whole_file import stand_in
from randquant.errors import DataError, one_line

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET, ARROW = ".parquet", ".arrow"
_END = b"\xff\xff\xff\xff\0\0\0\0"  # of a stream, as its writers close it
_BATCH = 16  # rows of a large column that are held at once


class RowFile(ABC):
    """An open file of rows.

    Attributes:
        path: of the file.
        schema: of its columns.
        rows: how many it holds.
    """

    path: Path
    schema: "pa.Schema"
    rows: int

    @abstractmethod
    def column(self, name: str) -> list[Any]:
        """All values of a column.

        Raises:
            DataError: the file is damaged.
        """

    @abstractmethod
    def value(self, name: str, row: int) -> Any:
        """The value of one row; cheapest when rows are asked for in their order.

        Raises:
            DataError: the file is damaged.
        """


class ParquetRows(RowFile):
    """A Parquet file, of which some rows at a time are in memory."""

    def __init__(self, path: Path) -> None:
        from randquant.data.parquet import open_parquet

        self.path = path
        with _explained(path):
            self._file = open_parquet(path, pre_buffer=False, buffer_size=1 << 20)
            self.schema, about = self._file.schema_arrow, self._file.metadata
            sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self.rows = int(self._starts[-1])
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._held: tuple[str, int, Sequence[Any]] = "", 0, ()  # the column, the first row, the values
        self._group = -1

    def column(self, name: str) -> list[Any]:
        with _explained(self.path):
            return list(self._file.read([name]).column(name).to_pylist())

    def value(self, name: str, row: int) -> Any:
        group = int(np.searchsorted(self._starts, row, "right")) - 1
        held, first, _ = self._held
        with _explained(self.path):
            if held != name or group != self._group or row < first:
                self._batches = self._file.iter_batches(_BATCH, [group], [name])
                self._held, self._group = (name, int(self._starts[group]), ()), group
            while row >= self._held[1] + len(self._held[2]):
                stop = self._held[1] + len(self._held[2])
                self._held = name, stop, next(self._batches).column(name)
            value: Any = self._held[2][row - self._held[1]].as_py()
        return value


class ArrowRows(RowFile):
    """An Arrow file as `datasets` writes it, mapped into memory."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.path = path
        with _explained(path):
            source = pa.memory_map(os.path.abspath(path))
            try:
                self._table = pa.ipc.open_stream(source).read_all()
                source.seek(source.size() - len(_END))
                if source.read() != _END:  # cut off between two batches it opens all the same
                    raise OSError("the mark of its end is not there")
            except pa.ArrowInvalid:
                self._table = pa.ipc.open_file(source).read_all()
        self.schema, self.rows = self._table.schema, self._table.num_rows

    def column(self, name: str) -> list[Any]:
        return list(self._table.column(name).to_pylist())

    def value(self, name: str, row: int) -> Any:
        return self._table.column(name)[row].as_py()


def open_rows(path: Path) -> RowFile:
    """The file at `path`; the last two stay open.

    Raises:
        DataError: it is missing, damaged, or something else under its name.
    """
    return _opened(path, file_stamp(path))


@lru_cache(maxsize=2)
def _opened(path: Path, stamp: tuple[int, int]) -> RowFile:
    return (ParquetRows if path.suffix.lower() == PARQUET else ArrowRows)(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, StopIteration) as error:
        reason = stand_in(path) or f"{path} is damaged or cut off ({one_line(error)[:100]}); download it again."
        raise DataError(reason) from None
