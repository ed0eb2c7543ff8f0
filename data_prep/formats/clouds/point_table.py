"""Text tables of points, one per line: separated by commas, semicolons or white space, with or without header."""

import re
import warnings
from array import array
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.columns import XYZ, plain
from randquant.data_prep.formats.clouds.table_head import REMARKS, Head, cells_of, read_head
from randquant.data_prep.formats.text import excerpt, open_text
from randquant.errors import DataError

_MISSING = ("", "na", "n/a", "null", "none", "-")  # how tables write that there is no number
_NONE = re.compile(r"[+-]?1\.#(inf|ind|qnan|snan)\w*")  # how Microsoft's libraries print it
_REMARK = re.compile("#|//")  # after a row
_EXPONENT = str.maketrans("dD", "ee")  # Fortran's 1.0D+03


Table = tuple[NDArray[np.float64], dict[str, int]]  # (N, C) numbers, NaN and infinity included; notes as of `Columns`


def read_points(path: str | Path, columns: int | None = None) -> NDArray[np.float64]:
    """Read all numbers of a text file without column names, equally many per line.

    Args:
        path: numbers between commas or semicolons, or all between spaces or tabs; empty lines and remarks are passed
            over.
        columns: how many a line should hold; any number, the same in every line, where None.

    Returns:
        (N, columns), as the file has them: NaN and infinity are not refused.

    Raises:
        DataError: the file is missing, empty, not numbers, or a line holds more or fewer of them; it names the line.
    """
    head = read_head(path)
    if head.texts or (head.names and tuple(map(plain, head.names[:3])) != XYZ):
        raise DataError(
            f"{path} names its columns {excerpt(' '.join(head.texts or head.names))} where x, y, z come first; restore "
            "the file."
        )
    numbers, _ = read_table(path, head, range(head.width))
    if columns is not None and numbers.shape[1] != columns:
        raise DataError(f"{path} has {numbers.shape[1]} columns where {columns} are expected; restore the file.")
    return numbers


def read_table(path: str | Path, head: Head, use: Sequence[int]) -> Table:
    """Read the rows below the header.

    Args:
        path: of the file.
        head: of this file.
        use: which columns to read, counted from 0; others may hold anything.

    Raises:
        DataError: as `read_points`; or the file holds more or fewer points than it says.
    """
    path = Path(path)
    table = _read_at_once(path, head, use) or _read_by_line(path, head, use)
    if not len(table[0]):
        raise DataError(f"{path} holds no points; restore it or leave it out.")
    return table


def first_rows(head: Head) -> NDArray[np.float64]:
    """(n, width) numbers of the first rows; NaN for a cell that is not a number."""
    cells = [cells_of(row, head.separator) for row in head.rows]
    rows = [[_float(cell.replace(",", ".", 1)) for cell in row] for row in cells if len(row) == head.width]
    return np.array(rows, dtype=np.float64).reshape(-1, head.width)  # None becomes NaN


def _read_at_once(path: Path, head: Head, use: Sequence[int]) -> Table | None:
    """Read rows of numbers only, quickly; None if there is anything else."""
    with open_text(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an empty file, which is refused
        try:
            numbers = np.loadtxt(file, delimiter=head.separator, comments=None, ndmin=2, skiprows=head.lines)
        except ValueError:
            return None
    if numbers.size and head.count is not None and len(numbers) != head.count:
        raise _miscounted(path, head.count, len(numbers))
    return (numbers[:, list(use)] if numbers.size else numbers), {}


def _read_by_line(path: Path, head: Head, use: Sequence[int]) -> Table:
    """Read rows among comments, counts of further scans, decimal commas, Fortran exponents and unused cells."""
    rows = _Rows(path, head, use)
    with open_text(path) as file:
        for number, line in enumerate(islice(file, head.lines, None), head.lines + 1):
            rows.add(number, line)
    return rows.table()


class _Rows:
    """The rows of a file, collected line by line."""

    def __init__(self, path: Path, head: Head, use: Sequence[int]) -> None:
        self.path, self.head = path, head
        self.use, self.others = use, sorted({*range(head.width)} - {*use})
        self.values = array("d")
        self.stated, self.scans = head.count, 1
        self.unread = self.commas = self.points = 0

    @property
    def count(self) -> int:
        return len(self.values) // max(len(self.use), 1)

    def add(self, number: int, line: str) -> None:
        text = line.strip(" \r\n")
        if not text.strip() or text.startswith(REMARKS):
            return
        cells = cells_of(text, self.head.separator)
        if len(cells) != self.head.width:
            cells = cells_of(_REMARK.split(text)[0], self.head.separator)
        if len(cells) == 1 and self.stated is not None and cells[0].isdecimal():
            self._require_stated()
            self.stated += int(cells[0])
            self.scans += 1
            return
        if len(cells) != self.head.width:
            raise DataError(
                f"{self.path} line {number} has {len(cells)} cells where the rows above have {self.head.width} "
                f"({excerpt(text)}); fix the line or leave the file out."
            )
        self.values.extend(self._number(number, cells[place]) for place in self.use)
        self.unread += not all(cells[place].isprintable() for place in self.others)  # else it is a number or a word

    def table(self) -> Table:
        self._require_stated()
        if self.commas and self.points:
            raise DataError(f"{self.path} has decimal points and decimal commas; write all of its numbers alike.")
        found = {"unread_cells": self.unread, "decimal_commas": int(self.commas > 0), "joined_scans": self.scans - 1}
        numbers = np.frombuffer(self.values, dtype=np.float64) if self.values else np.empty(0)
        return numbers.reshape(-1, len(self.use)), {name: count for name, count in found.items() if count}

    def _require_stated(self) -> None:
        if self.stated is not None and self.count != self.stated:
            raise _miscounted(self.path, self.stated, self.count)

    def _number(self, number: int, cell: str) -> float:
        text = cell
        if "," in text and self.head.separator != ",":
            text = text.replace(",", ".", 1)
            self.commas += 1
        elif "." in text:
            self.points += 1
        found = _float(text)
        if found is None:
            raise DataError(
                f"{self.path} line {number} reads {excerpt(cell)} where a number is expected; fix the line, or leave "
                "the file out."
            )
        return found


def _float(cell: str) -> float | None:
    if cell.lower() in _MISSING or _NONE.fullmatch(cell.lower()):
        return float("nan")
    if "_" in cell or not cell.isascii():
        return None
    for text in (cell, cell.translate(_EXPONENT)):
        try:
            return float(text)
        except ValueError:
            continue
    return None


def _miscounted(path: Path, said: int, held: int) -> DataError:
    return DataError(f"{path} says that it has {said:,} points and holds {held:,}; restore it.")
