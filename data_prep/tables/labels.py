"""The label or the number to predict of every row, as codes: the texts are not held."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from randquant.data_prep.tables.cells import as_numbers, first_text, normal, to_numpy
from randquant.data_prep.tables.layout import Decimal
from randquant.data_prep.tables.splits import NONE
from randquant.errors import DataError

LARGEST = 1e150  # number whose square is one of double precision still
_MANY = 1_000  # classes, from which on most rows have to share theirs with another


class Labels:
    """Adds up the classes of rows.

    Args:
        path, column: where, for error messages.
    """

    def __init__(self, path: object, column: str) -> None:
        self.path, self.column = path, column
        self.classes: dict[str, int] = {}
        self.parts: list[NDArray[np.int32]] = []
        self.rows = 0

    def add(self, values: pa.Array) -> None:
        """A piece of the column.

        Raises:
            DataError: it holds no text or numbers, or nearly every row has a label of its own.
        """
        coded = label_texts(values, self.path, self.column).dictionary_encode()
        known = [self.classes.setdefault(text, len(self.classes)) for text in coded.dictionary.to_pylist()]
        codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        self.parts.append(np.array([*known, NONE], dtype=np.int32)[codes])
        self.rows += len(values)
        if len(self.classes) > _MANY and 2 * len(self.classes) > self.rows:
            raise self._unique()

    def codes(self) -> NDArray[np.int32]:
        """(n,) class numbers, NONE where a row has no label.

        Raises:
            DataError: no row has a label, all have the same, or each its own.
        """
        codes = np.concatenate(self.parts) if self.parts else np.empty(0, np.int32)
        labelled = int((codes != NONE).sum())
        if not labelled:
            raise DataError(f"{self.path}: the column {self.column} is empty in every row, so it is no label.")
        if len(self.classes) < 2:
            only = next(iter(self.classes))
            raise DataError(f"{self.path}: every label in the column {self.column} is {only!r}; give another --label.")
        if len(self.classes) == labelled:
            raise self._unique()
        return codes

    def _unique(self) -> DataError:
        return DataError(
            f"{self.path}: the column {self.column} has a value of its own in nearly every row, so it is no label; "
            "give another column, or this one as --target if a number is to be predicted."
        )


class Targets:
    """Adds up the numbers to predict, as `Labels` does classes."""

    def __init__(self, path: object, column: str, decimal: Decimal) -> None:
        self.path, self.column, self.decimal = path, column, decimal
        self.rows = self.missing = 0
        self.low, self.high = np.inf, -np.inf

    def add(self, values: pa.Array) -> None:
        """A piece of the column.

        Raises:
            DataError: it holds something else than numbers.
        """
        held = self.numbers(values)
        given = held[~np.isnan(held)]
        self.rows, self.missing = self.rows + len(held), self.missing + len(held) - len(given)
        if len(given):
            self.low, self.high = min(self.low, given.min()), max(self.high, given.max())

    def numbers(self, values: pa.Array) -> NDArray[np.float64]:
        """(n,) with NaN where a cell is missing."""
        cells = normal(values)
        found = None if cells is None else as_numbers(cells, self.decimal)
        if found is None or cells is None:
            place, text = (0, "") if cells is None else first_text(cells, self.decimal)
            raise DataError(
                f"{self.path}: the column {self.column} holds {text!r} in row {self.rows + place + 1:,} where a number "
                "to predict is expected; give another --target, or this one as --label."
            )
        return to_numpy(found)

    def require(self) -> None:
        """Refuse what cannot be predicted.

        Raises:
            DataError: every number is missing, all are equal, or one is too large.
        """
        if self.missing == self.rows:
            raise DataError(f"{self.path}: the column {self.column} is empty in every row, so it is no target.")
        if max(-self.low, self.high) > LARGEST:
            raise DataError(
                f"{self.path}: the column {self.column} holds numbers from {self.low:g} to {self.high:g}, whose "
                "squares are too large for double precision; scale them."
            )
        if self.low == self.high:
            raise DataError(f"{self.path}: every number in the column {self.column} is {self.low:g}; give another one.")


def label_texts(values: pa.Array, path: object, column: str) -> pa.Array:
    """A label column as text, null where missing.

    Raises:
        DataError: it holds lists, times or bytes.
    """
    cells = normal(values)
    if cells is None:
        raise DataError(f"{path}: the column {column} holds {values.type} where text or numbers are expected.")
    return pc.cast(cells, pa.string())


def group_numbers(values: pa.Array, path: object, column: str) -> NDArray[np.int64]:
    """(n,) a number made of the name of each row's group; a missing one is a group of its own for each row."""
    coded = label_texts(values, path, column).dictionary_encode()
    known = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") for text in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.array([*known, NONE], dtype=np.int64)[codes]
