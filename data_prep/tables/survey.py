"""What a column of a table holds, found in one pass over its cells."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from randquant.data_prep.tables.cells import (
    Decimal,
    are_dates,
    as_numbers,
    first_text,
    has_commas,
    has_points,
    infinite_cells,
    normal,
    thousands,
    to_numpy,
    zeros_in_front,
)
from randquant.data_prep.tables.column import ANSWERS, Column
from randquant.errors import DataError

_NEARLY = 0.9  # share of different texts from which they name rows
_LARGEST, _SMALLEST = 1e150, 1e-150  # whose squares are numbers of double precision still


class Survey:
    """Adds up what cells of one column are.

    Args:
        name: of the column.
        decimal: how numbers are read.
        most: categories at most.
        forced: whether it holds categories even if they are numbers.
    """

    def __init__(self, name: str, *, decimal: Decimal, most: int, forced: bool) -> None:
        self.name, self.decimal, self.most, self.forced = name, decimal, most, forced
        self.rows = self.missing = self.infinite = self.given = self.different = self.seen = 0
        self.nested = self.commas = self.points = False
        self.grouped = self.numeric = self.whole = self.dates = True
        self.padded = ""  # the first number with zeros in front
        self.text: tuple[int, str] | None = None  # row and text of the first cell that is no number
        self.texts: set[str] | None = set()  # texts of training rows; None where there are more than `most`
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf
        self.next: float | None = None  # number of the next row, where the column counts rows

    def add(self, values: pa.Array, training: NDArray[np.bool_]) -> None:
        """A piece of the column, and which of its rows are for training."""
        cells = normal(values)
        if cells is None:
            self.nested = True
            self.dates &= pa.types.is_temporal(values.type)
        else:
            self._add_cells(values, cells, training)
        self.rows += len(values)

    def _add_cells(self, values: pa.Array, cells: pa.Array, training: NDArray[np.bool_]) -> None:
        numbers = as_numbers(cells, self.decimal) if self.numeric else None
        if self.numeric and numbers is None:
            place, text = first_text(cells, self.decimal)
            self.numeric, self.text = False, (self.rows + place + 1, text)
        if cells.null_count < len(cells):
            self.dates &= not self.numeric and are_dates(cells)
        found = cells if numbers is None else numbers
        self.missing += found.null_count
        self.given += len(found) - found.null_count
        self._add_texts(cells, training)
        if numbers is not None:
            self.infinite += infinite_cells(values, numbers)
            self._add_numbers(cells, to_numpy(numbers), training)

    def _add_texts(self, cells: pa.Array, training: NDArray[np.bool_]) -> None:
        if self.texts is None and self.numeric:
            return
        held = pc.cast(cells.filter(pa.array(training)), pa.string()).drop_null()
        found = pc.unique(held)
        self.seen, self.different = self.seen + len(held), self.different + len(found)
        if self.texts is not None:
            self.texts.update(found[: self.most + 1].to_pylist())
            self.texts = None if len(self.texts) > self.most else self.texts

    def _add_numbers(self, cells: pa.Array, numbers: NDArray[np.float64], training: NDArray[np.bool_]) -> None:
        if has_commas(cells):
            self.commas = True
            self.grouped &= thousands(cells)
        self.points |= has_points(cells)
        self.padded = self.padded or zeros_in_front(cells)
        self._follow(numbers)
        held = numbers[training & ~np.isnan(numbers)]
        if len(held):
            self.low, self.high = min(self.low, held.min()), max(self.high, held.max())
            with np.errstate(over="ignore", invalid="ignore"):  # `reason` refuses numbers that large
                mean, count = held.mean(), self.count + len(held)
                gap = mean - self.mean
                self.squares += np.square(held - mean).sum() + gap * gap * self.count * len(held) / count
                self.mean += gap * len(held) / count
            self.count = count

    def _follow(self, numbers: NDArray[np.float64]) -> None:
        """Whether the column counts its rows, from 0 or 1."""
        if not self.whole or not len(numbers):
            return
        start = numbers[0] if self.next is None else self.next
        self.whole = bool(start in (0, 1) or self.rows) and bool((numbers == start + np.arange(len(numbers))).all())
        self.next = start + len(numbers)

    @property
    def is_date(self) -> bool:
        """Whether all that it holds are dates or times."""
        return self.dates and (self.nested or self.given > 0)

    def require_decimal(self, path: object, separator: str) -> None:
        """Refuse numbers that may have marks of thousands or decimal commas.

        Raises:
            DataError: nobody can tell which.
        """
        if self.numeric and not self.forced and self.commas and self.points and self.decimal == "auto":
            raise DataError(
                f"{path}: the column {self.name} holds numbers with points and others with commas, such as 3.5 and "
                "41,5; make them one, or give --decimal point or comma, which takes the other for a mark of thousands."
            )
        if self.numeric and self.commas and self.grouped and self.decimal == "auto" and separator == ",":
            raise DataError(
                f"{path}: the column {self.name} holds numbers such as 1,234; give --decimal point where the comma "
                "marks thousands, or --decimal comma where the fraction follows it."
            )
        self._require_one_mark(path)

    def _require_one_mark(self, path: object) -> None:
        """Refuse what would be a number if --decimal said another mark: it is hardly meant as text."""
        others: tuple[Decimal, ...] = ("point", "comma")
        row, text = self.text or (0, "")
        for other in others if text and not self.forced else ():
            if other != self.decimal and as_numbers(pa.array([text]), other) is not None:
                given = "" if self.decimal == "auto" else f" where --decimal {self.decimal} is given"
                raise DataError(
                    f"{path}: the column {self.name} holds {text!r} in row {row:,}{given}; give --decimal {other}, "
                    f"name it in --categories, or fix that cell."
                )

    def reason(self) -> str | None:
        """Why the column is left out, in words; None where it is kept."""
        if self.nested:
            return "lists, bytes or other values that are no single number or text"
        if not self.given:
            return "empty"
        if self.numeric and not self.forced and self.whole and self.rows > 2:
            return "numbers of the rows"
        if self.numeric and not self.forced and self._varies() and not self._measurable():
            return f"numbers from {self.low:g} to {self.high:g}, too large or too close for a deviation; scale them"
        if self.texts is None and (self.forced or not self.numeric):
            row, text = self.text or (1, "numbers")
            its_own = self.different / max(self.seen, 1) >= _NEARLY
            what = "a text of its own in nearly every row, a name or free text" if its_own else "free text"
            return f"{what}: more than {self.most} different ones (the first in row {row:,}: {text[:30]!r})"
        return None if self._varies() or self.missing else "constant"

    def column(self) -> Column:
        """The column as it is kept, of one that has no `reason` to be left out."""
        answers = self._answers()
        if answers is not None and not self.forced:
            found = Column(self.name, "yes/no", answers)
        elif self.numeric and not self.forced:
            deviation = float(np.sqrt(self.squares / max(self.count, 1)))
            found = Column(self.name, "number", (), self.mean, deviation or 1.0, padded=self.padded)
        else:
            found = Column(self.name, "category", tuple(sorted(self.texts or ())))
        return replace(
            found,
            missing=self.missing,
            infinite=self.infinite if self.numeric else 0,
            indicator=self.missing > 0,
            constant=not self._varies(),
            decimal=self.decimal,
        )

    def _varies(self) -> bool:
        if self.numeric and not self.forced:
            return self.low < self.high
        return self.texts is None or len(self.texts) > 1

    def _measurable(self) -> bool:
        """Whether mean and deviation of the numbers are such in double precision."""
        return max(-self.low, self.high) < _LARGEST and self.high - self.low > _SMALLEST

    def _answers(self) -> tuple[str, str] | None:
        """The two texts of a yes/no column, in small letters."""
        if self.texts is None or self.forced:
            return None
        if self.numeric:
            return ("0", "1") if self.count and {self.low, self.high} <= {0.0, 1.0} and self._binary() else None
        held = {text.lower() for text in self.texts}
        return next((pair for pair in ANSWERS if held == set(pair)), None)

    def _binary(self) -> bool:
        return self.texts is not None and {float(text.replace(",", ".")) for text in self.texts} <= {0.0, 1.0}
