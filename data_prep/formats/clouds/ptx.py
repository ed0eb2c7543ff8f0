"""Leica's text scans (.ptx): for each its grid size, the scanner's pose, and one line per point.

A scan begins with its numbers of columns and of rows, the scanner's place and axes (3 + 9 numbers), and a matrix of
four lines that rows of points (x y z 1) are multiplied by. Rows of 0 0 0 stand where nothing came back. The format has
no published specification; this is what Cyclone writes and CloudCompare reads.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.data_prep.formats.clouds.columns import XYZ, Columns
from randquant.data_prep.formats.text import excerpt, open_text
from randquant.errors import DataError

_HEAD = (3, 3, 3, 3, 4, 4, 4, 4)  # numbers of the lines below the two sizes
_WIDTHS = (3, 4, 6, 7)  # x y z, intensity, colours


def read_ptx(path: str | Path) -> Columns:
    """Read the points of all scans, transformed by each scan's matrix; rows without a point are skipped and counted.

    Raises:
        DataError: it is not a PTX file, ends before its scans do, or a line is not a row of numbers; it names the line.
    """
    path = Path(path)
    scans, empty = [], 0
    with open_text(path) as file:
        lines = _Lines(path, file)
        while (first := lines.next()) is not None:
            points, left_out = _read_scan(lines, first)
            scans.append(points)
            empty += left_out
    if not scans:
        raise DataError(f"{path} holds no scan; restore it or leave it out.")
    found = np.concatenate(scans)
    notes = {"empty_points": empty, "joined_scans": len(scans) - 1}
    return Columns(dict(zip(XYZ, found.T, strict=True)), {name: count for name, count in notes.items() if count})


class _Lines:
    """Non-empty lines, with the number of the last one."""

    def __init__(self, path: Path, file: Iterator[str]) -> None:
        self.path, self._file, self.number = path, file, 0

    def next(self) -> str | None:
        """The next; None at the end."""
        for line in self._file:
            self.number += 1
            if line.strip():
                return line
        return None

    def numbers(self, count: int) -> list[float]:
        """The numbers of the next line, `count` of them."""
        line = self.next() or ""
        found = _floats(line)
        if len(found) != count:
            raise self.wrong(line, f"{count} numbers of a scan's head are")
        return found

    def rows(self, count: int) -> NDArray[np.float64]:
        """The next `count` lines, (count, 3 or more)."""
        block = list(islice(self._file, count))
        first, self.number = self.number, self.number + len(block)
        if len(block) < count:
            raise DataError(
                f"{self.path} ends after {len(block):,} of the {count:,} points of a scan; it is truncated, restore it."
            )
        try:
            return np.loadtxt(block, comments=None, ndmin=2)
        except ValueError:
            wrong = next((place for place, line in enumerate(block) if len(_floats(line)) != len(block[0].split())), 0)
            self.number = first + wrong + 1
            raise self.wrong(block[wrong], "x y z, an intensity and colours are") from None

    def wrong(self, line: str, expected: str) -> DataError:
        return DataError(
            f"{self.path} line {self.number} reads {excerpt(line)} where {expected} expected; fix it or leave it out."
        )


def _read_scan(lines: _Lines, first: str) -> tuple[NDArray[np.float64], int]:
    """The points of a scan in the common frame, and the number of rows without a point."""
    columns, rows = _size(lines, first), _size(lines, lines.next() or "")
    head = [lines.numbers(count) for count in _HEAD]
    matrix = np.array(head[4:])
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12 or (matrix[:, 3] != (0, 0, 0, 1)).any():
        raise DataError(f"{lines.path} line {lines.number} ends a matrix that moves no points; restore it.")
    if not columns * rows:
        return np.empty((0, 3)), 0
    require_budget(lines.path, columns * rows * 56)
    table = lines.rows(columns * rows)
    if table.shape[0] != columns * rows or table.shape[1] not in _WIDTHS:
        raise DataError(
            f"{lines.path} has scans of {table.shape[1]} numbers a point where {', '.join(map(str, _WIDTHS))} are "
            "expected; restore it."
        )
    there = (table[:, :3] != 0).any(axis=1)
    points = table[there, :3] @ matrix[:3, :3] + matrix[3, :3]
    return points, int(len(table) - there.sum())


def _size(lines: _Lines, line: str) -> int:
    if not line.strip().isdecimal():
        raise lines.wrong(line, "the number of a scan's columns or rows is")
    return int(line)


def _floats(line: str) -> list[float]:
    """The numbers of a line; none where it holds anything else."""
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return []
