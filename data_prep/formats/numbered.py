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


def _counts(first: NDArray) -> bool:
    """Whether whole numbers follow one another upwards, or are all those from the least to the greatest, once each."""
    if len(first) < _FEWEST or not np.isfinite(first).all() or (first % 1).any():
        return False
    if (np.diff(first) > 0).all():
        return True
    return bool(first.max() - first.min() == len(first) - 1 and len(np.unique(first)) == len(first))
