"""Detect leading columns that are not coordinates: a row number, a time, a label, a grid index."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

LOOKED_AT = 100  # rows that tell what stands after the first column
_FEWEST = 3  # rows that can count
_SEVERAL = 10  # rows that can tell a time
_EVEN = 0.5  # deviation of the steps of a clock, in steps
_FAR = 1000.0  # by how much a time is larger than coordinates


def refuse_numbered(path: Path, first: NDArray, rows: NDArray) -> None:
    """Refuse four or more unnamed columns if the first are probably not coordinates.

    The first counts the rows, by one, upwards, or in any order; or it rises as times do, in even steps or far from all
    that follows; or it holds integers, alone or with the second, where the next three do not; or it is the same in
    all rows and none of the next three is. A class, or the row and column in a scan's grid, stands so.

    Args:
        path: for the error message.
        first: (N,) the first column.
        rows: (n, columns) the first `LOOKED_AT` rows, NaN for what is no number.

    Raises:
        DataError: they are such rows; it says which `--columns` to give.
    """
    columns = rows.shape[1]
    if columns <= 3:
        return
    first = np.asarray(first, dtype=np.float64)
    first = first[np.isfinite(first)]
    rows = np.asarray(rows, dtype=np.float64)
    rows = rows[np.isfinite(rows[:, :4]).all(axis=1)]
    before = 1
    if _counts(first):
        found = "the first counts its rows, so it may be no x"
    elif _is_time(first, rows):
        found = "the first rises from row to row as times do, so it may be no x"
    elif before := _labels(first, rows):
        found = f"the first{' two' if before > 1 else ''} may be a label or a place in a grid"
    else:
        return
    names = ["_"] * before + ["x", "y", "z"] + ["_"] * (columns - before - 3)
    raise DataError(
        f"{path} has {columns} columns without names, of which {found}; give --columns {' '.join(names)}, or "
        "--columns x y z … if it is x."
    )


def _counts(first: NDArray) -> bool:
    """Whether integers are consecutive, or are a permutation of a range."""
    if len(first) < _FEWEST or (first % 1).any():
        return False
    if (np.diff(first) > 0).all():
        return True
    return bool(first.max() - first.min() == len(first) - 1 and len(np.unique(first)) == len(first))


def _is_time(first: NDArray[np.float64], rows: NDArray[np.float64]) -> bool:
    """Whether the first column is non-decreasing, and rises in even steps or is far larger than the next three."""
    steps = np.diff(first)
    if len(rows) < _SEVERAL or (steps < 0).any() or not steps.any():
        return False
    return bool(steps.std() < _EVEN * steps.mean() or np.abs(first).min() > _FAR * np.abs(rows[:, 1:4]).max())


def _labels(first: NDArray[np.float64], rows: NDArray[np.float64]) -> int:
    """The number of integer or constant columns before three that are not; 0 if there are none."""
    if len(rows) < _FEWEST:
        return 0
    constant = np.ptp(rows[:, :4], axis=0) == 0
    if np.ptp(first) == 0 and not constant[1:].any():
        return 1
    whole = (rows % 1 == 0).all(axis=0)
    for before in (1, 2):
        after = rows[:, before : before + 3]
        fractions = after.shape[1] == 3 and not whole[before : before + 3].any() and np.isfinite(after).all()
        if whole[:before].all() and not (first % 1).any() and fractions:
            return before
    return 0
