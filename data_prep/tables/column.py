"""A column of a table as numbers: what kind it is, and how its cells become float32."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from randquant.data_prep.tables.cells import as_numbers, to_numpy
from randquant.data_prep.tables.layout import Decimal

Kind = Literal["number", "yes/no", "category"]

# Pairs of texts that answer a question, the one that becomes 0 first.
ANSWERS = (("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"), ("0", "1"))

FARTHEST = 1e6  # deviations from the mean, beyond which sums of squares of float32 lose all else


@dataclass(frozen=True)
class Column:
    """A column that is kept.

    Attributes:
        name: in the file.
        kind: "number" is standardised by mean and deviation of the training rows; "yes/no" is 0 or 1; "category" is a
            one among zeros, in the order of `values`.
        values: the texts of 0 and 1, in small letters, or the categories of the training rows; empty for numbers.
        mean, deviation: of the training rows; 0 and 1 for other kinds.
        missing: how many cells are; a missing number is the mean, 0, and a missing answer or category all zeros.
        indicator: whether a further yes/no column says that a cell is missing; it does where one is.
        constant: whether only that one is kept, since all cells that are not missing are equal.
        decimal: how its numbers are read.
        infinite: how many of the missing are infinite numbers.
        padded: one of its numbers that has zeros in front, as codes have; empty where none has.
    """

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    missing: int = 0
    indicator: bool = False
    constant: bool = False
    decimal: Decimal = "auto"
    infinite: int = 0
    padded: str = ""

    @property
    def size(self) -> int:
        """Numbers it becomes, without the indicator."""
        return 0 if self.constant else len(self.values) if self.kind == "category" else 1

    @property
    def names(self) -> list[str]:
        """Of these numbers."""
        return [f"{self.name}={value}" for value in self.values] if self.kind == "category" else [self.name] * self.size

    def encode(self, cells: pa.Array) -> tuple[NDArray[np.float32], int]:
        """Cells of `normal` as (n, size), and how many of them are unlike those of training rows.

        These are categories and answers that training rows lack, all zeros here, and numbers more than `FARTHEST`
        deviations from their mean, moved there.
        """
        if self.constant:
            return np.empty((len(cells), 0), np.float32), 0
        if self.kind == "category":
            return self._categories(pc.cast(cells, pa.string()))
        if self.kind == "yes/no" and pa.types.is_string(cells.type):
            texts = pc.utf8_lower(cells)
            answers = pc.equal(texts, self.values[1])
            known = pc.sum(pc.is_in(texts, pa.array(self.values))).as_py() or 0
            encoded = to_numpy(pc.cast(answers, pa.int8()).fill_null(0)).astype(np.float32)[:, None]
            return encoded, len(texts) - texts.null_count - known
        numbers = as_numbers(cells, self.decimal)
        scaled = (to_numpy(numbers) - self.mean) / self.deviation
        far = int((np.abs(scaled) > FARTHEST).sum())  # NaN, a missing cell, is not
        held = np.nan_to_num(np.clip(scaled, -FARTHEST, FARTHEST), nan=0.0)
        return held.astype(np.float32)[:, None], far

    def missed(self, cells: pa.Array) -> NDArray[np.float32]:
        """(n, 1): one where a cell is missing."""
        numbers = cells if self.kind == "category" else as_numbers(cells, self.decimal)
        nulls = pc.is_null(cells if numbers is None else numbers)
        return nulls.to_numpy(zero_copy_only=False).astype(np.float32)[:, None]

    def record(self) -> dict[str, Any]:
        """JSON-ready, as store.json keeps it."""
        return {**asdict(self), "values": list(self.values)}

    def _categories(self, texts: pa.Array) -> tuple[NDArray[np.float32], int]:
        places = pc.index_in(texts, pa.array(self.values, pa.string()))
        known = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
        rows = np.zeros((len(texts), len(self.values)), np.float32)
        rows[known, places.drop_null().to_numpy(zero_copy_only=False)] = 1.0
        return rows, len(texts) - texts.null_count - len(known)


@dataclass(frozen=True)
class Arrangement:
    """The order of the numbers of a row: all numbers, then answers and indicators, then categories.

    Attributes:
        columns: those that are kept, in the order of the file.
        blocks: sizes of parts of a row that an encoder may take apart; by default the three above.
    """

    columns: tuple[Column, ...]
    blocks: tuple[int, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of the numbers of a row."""
        return [name for part in self._parts() for name in part]

    @property
    def sizes(self) -> list[int]:
        """Of the blocks; they add up to the numbers of a row."""
        return list(self.blocks) or [len(part) for part in self._parts() if part]

    def encode(self, cells: Sequence[pa.Array]) -> tuple[NDArray[np.float32], list[int]]:
        """The cells of each column as rows (n, C), and how many cells of each are unlike training's."""
        encoded = [column.encode(each) for column, each in zip(self.columns, cells, strict=True)]
        missed = [column.missed(each) for column, each in zip(self.columns, cells, strict=True) if column.indicator]
        of = {
            kind: [rows for column, (rows, _) in zip(self.columns, encoded, strict=True) if column.kind == kind]
            for kind in ("number", "yes/no", "category")
        }
        rows = np.concatenate([*of["number"], *of["yes/no"], *missed, *of["category"]], axis=1)
        return rows, [unknown for _, unknown in encoded]

    def _parts(self) -> tuple[list[str], list[str], list[str]]:
        of = {
            kind: [name for column in self.columns if column.kind == kind for name in column.names]
            for kind in ("number", "yes/no", "category")
        }
        missing = [f"{column.name} is missing" for column in self.columns if column.indicator]
        return of["number"], of["yes/no"] + missing, of["category"]
