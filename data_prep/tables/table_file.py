"""A file with a table in it, text or Parquet, as batches of its columns: no more than one batch is in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from randquant.data_prep.tables.layout import Layout, require_different, unpacked
from randquant.errors import DataError, one_line

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BLOCK = 8 << 20  # bytes of text a batch
_ROWS = 65_536  # rows of Parquet a batch


class TableFile(Protocol):
    """A table that can be read any number of times."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def names(self) -> Sequence[str]:
        """Of the columns, in order, all different."""

    def batches(self, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
        """Some columns, in order, piece by piece."""

    def notes(self) -> list[str]:
        """How it is read, as lines to print."""


@dataclass(frozen=True)
class TextFile:
    """Comma-separated values and their kin; every column is text.

    Attributes:
        path, layout: the file and how it is read.
        told: whether `notes` say how; they do not of a known file.
    """

    path: Path
    layout: Layout
    told: bool = True

    @property
    def names(self) -> Sequence[str]:
        """As in `TableFile`."""
        return self.layout.names

    def batches(self, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
        """As in `TableFile`.

        Raises:
            DataError: a row has more or fewer cells than the first, or the text is in another encoding.
        """
        import pyarrow as pa
        import pyarrow.csv

        wrong: list[pa.csv.InvalidRow] = []

        def note(row: "pa.csv.InvalidRow") -> str:
            wrong.append(row)
            return "error"

        with unpacked(self.path) as file:
            try:
                yield from pa.csv.open_csv(
                    file,
                    read_options=pa.csv.ReadOptions(
                        use_threads=False,  # so that a wrong row's number is known
                        block_size=_BLOCK,
                        column_names=list(self.names),
                        skip_rows=self.layout.skipped,
                        encoding=self.layout.encoding,
                    ),
                    parse_options=pa.csv.ParseOptions(
                        delimiter=self.layout.separator, newlines_in_values=True, invalid_row_handler=note
                    ),
                    convert_options=pa.csv.ConvertOptions(
                        column_types=dict.fromkeys(self.names, pa.string()), include_columns=list(columns)
                    ),
                )
            except (pa.ArrowException, UnicodeDecodeError) as error:
                if wrong:
                    raise DataError(
                        f"{self.path} line {wrong[0].number} has {wrong[0].actual_columns} cells where "
                        f"{wrong[0].expected_columns} are expected ({wrong[0].text[:40]!r}); fix that line."
                    ) from None
                raise DataError(
                    f"{self.path} cannot be read as a table ({one_line(error)}); check it, or give --encoding."
                ) from None

    def notes(self) -> list[str]:
        """As in `TableFile`."""
        return self.layout.notes() if self.told else []


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file; columns have types."""

    path: Path

    @property
    def names(self) -> Sequence[str]:
        """As in `TableFile`."""
        names = self._opened().schema_arrow.names
        require_different(self.path, names)
        return names

    def batches(self, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
        """As in `TableFile`.

        Raises:
            DataError: it is damaged.
        """
        import pyarrow as pa

        try:
            yield from self._opened().iter_batches(_ROWS, columns=list(columns))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.path} is a damaged Parquet file ({one_line(error)}); get it again.") from None

    def notes(self) -> list[str]:
        """As in `TableFile`."""
        return []

    def _opened(self) -> "pq.ParquetFile":
        import pyarrow as pa

        from randquant.data.parquet import open_parquet

        try:
            return open_parquet(self.path)
        except FileNotFoundError:
            raise DataError(f"{self.path} does not exist; check --parquet.") from None
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{self.path} is not a Parquet file ({one_line(error)}); give a table of text as --csv."
            ) from None
