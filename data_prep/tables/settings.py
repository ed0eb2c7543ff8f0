"""The flags of `prepare table`."""

from dataclasses import dataclass
from pathlib import Path

from randquant.cli.ranges import SEEDS, Range, check_ranges
from randquant.data_prep.tables.layout import Decimal, Header, Separator, find_layout
from randquant.data_prep.tables.plan import MOST_CATEGORIES, TablePlan
from randquant.data_prep.tables.splits import Shares
from randquant.data_prep.tables.table_file import ParquetTable, TableFile, TextFile
from randquant.errors import UsageError

RANGES = {"valid": Range(0, 0.9), "test": Range(0, 0.9), "seed": SEEDS, "most_categories": Range(2, 10_000)}


@dataclass(frozen=True)
class OwnTable:
    """A user's own table.

    Attributes:
        out: store to write.
        csv: table of text: commas, semicolons, tabs or bars between the cells, with or without header, also in gzip.
        parquet: Parquet file instead.
        label: column of the class to predict; empty cells are rows without a label, used for pretraining alone.
        target: column of a number to predict instead.
        split: column that says train, valid or test, or fold1, fold2, ...; by default splits are drawn.
        group: column of what must not be torn apart by a drawn split, such as a patient.
        valid: share of each class that is drawn for validation.
        test: share of each class that is drawn for the test.
        seed: of the drawn splits; the same seed gives the same splits.
        drop: columns to leave out.
        categories: columns of numbers that stand for categories.
        most_categories: different texts a column of categories may have; one with more is free text and left out.
        header: whether the first row names the columns.
        separator: what stands between the cells.
        decimal: what stands before the fraction of a number; the other of point and comma marks thousands.
        encoding: of the text, such as cp1252.
    """

    out: Path
    csv: Path | None = None
    parquet: Path | None = None
    label: str | None = None
    target: str | None = None
    split: str | None = None
    group: str | None = None
    valid: float = 0.1
    test: float = 0.1
    seed: int = 0
    drop: tuple[str, ...] | list[str] = ()
    categories: tuple[str, ...] | list[str] = ()
    most_categories: int = MOST_CATEGORIES
    header: Header = "auto"
    separator: Separator = "auto"
    decimal: Decimal = "auto"
    encoding: str = "auto"

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        if self.valid + self.test >= 1:
            raise ValueError(f"--valid {self.valid:g} and --test {self.test:g} leave nothing to train on; lower them.")

    def plan(self) -> TablePlan:
        """What to prepare.

        Raises:
            DataError: the file is missing or no table.
            UsageError: no file is given, or two.
        """
        return TablePlan(
            self._file(),
            self.label,
            self.target,
            self.split,
            self.group,
            tuple(self.drop),
            tuple(self.categories),
            self.most_categories,
            self.decimal,
            Shares(self.valid, self.test, self.seed),
        )

    def _file(self) -> TableFile:
        if self.csv is not None and self.parquet is None:
            return TextFile(self.csv, find_layout(self.csv, self.header, self.separator, self.encoding))
        if self.parquet is not None and self.csv is None:
            return ParquetTable(self.parquet)
        raise UsageError("give the table as --csv FILE or as --parquet FILE, and not as both.")
