"""Rows that begin with their own number, which is no coordinate."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

_FEWEST = 3  # rows that can count


def refuse_numbered(path: Path, first: NDArray, columns: int) -> None:
    """Refuse unnamed columns of which the first of four or more counts the rows: by one, upwards, or in any order.

    Raises:
        DataError: it does.
    """
    if columns > 3 and _counts(np.asarray(first)):
        raise DataError(
            f"{path} has {columns} columns without names, of which the first counts its rows, so it may be no x; give "
            f"--columns {' '.join(['_', 'x', 'y', 'z', *['_'] * (columns - 4)])}, or --columns x y z … if it is x."
        )


def refuse_labelled(path: Path, rows: NDArray) -> None:
    """Refuse unnamed columns whose first, or first two, are whole numbers where the three behind them are not.

    A class, or the row and column in a scan's grid, stands in front of coordinates so.

    Args:
        path: for the error message.
        rows: (n, columns) of the first rows of a file.

    Raises:
        DataError: they are such rows.
    """
    if len(rows) < _FEWEST:
        return
    whole = (np.floor(rows) == rows).all(axis=0) & np.isfinite(rows).all(axis=0)
    for before in (1, 2):
        if len(whole) >= before + 3 and whole[:before].all() and not whole[before : before + 3].any():
            names = [*["_"] * before, "x", "y", "z", *["_"] * (len(whole) - before - 3)]
            raise DataError(
                f"{path} has {len(whole)} columns without names and whole numbers before three that are none, which "
                f"may be a label or a place in a grid; give --columns {' '.join(names)}, or --columns x y z … if they "
                "are x."
            )


def _counts(first: NDArray) -> bool:
    """Whether whole numbers follow one another upwards, or are all those from the least to the greatest, once each."""
    if len(first) < _FEWEST or not np.isfinite(first).all() or (first % 1).any():
        return False
    if (np.diff(first) > 0).all():
        return True
    return bool(first.max() - first.min() == len(first) - 1 and len(np.unique(first)) == len(first))
