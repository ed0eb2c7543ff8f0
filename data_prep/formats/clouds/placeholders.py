"""Rows that mark a missing point, such as NaN or (0, 0, 0)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

_BROKEN = 0.1  # of the rows that may have one coordinate and lack another


def without_placeholders(path: Path, points: NDArray[np.float64]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which rows hold a point, and the number of placeholders of each kind.

    No point are rows without a finite coordinate, rows with one that is not finite, and rows of 0, 0, 0 where there are
    several, or one far outside of all others: a scanner's grid has them where nothing came back.

    Returns:
        (N,) of the (N, 3) points, and counts by the names of `randquant.data_prep.notes.READING`.

    Raises:
        DataError: more than a tenth of the rows has one coordinate and lacks another, so the file is damaged.
    """
    finite = np.isfinite(points)
    there = np.asarray(finite.all(axis=1))
    partial = finite.any(axis=1) & ~there
    if partial.sum() > max(1, _BROKEN * len(points)):
        raise DataError(
            f"{path} has {partial.sum():,} rows of {len(points):,} with one coordinate that is not finite beside "
            "one that is; fix it or leave it out."
        )
    zero = np.asarray((points == 0).all(axis=1))
    if zero.any() and (zero.sum() > 1 or _is_outlier(points[there & ~zero])):
        there = there & ~zero
    else:
        zero[:] = False
    notes = {
        "missing_rows": int((~finite.any(axis=1)).sum()),
        "broken_rows": int(partial.sum()),
        "zero_rows": int(zero.sum()),
    }
    return there, {name: count for name, count in notes.items() if count}


def _is_outlier(others: NDArray[np.float64]) -> bool:
    """Whether the origin is farther from the points' bounding box than the box is wide."""
    if len(others) < 2:
        return False
    low, high = others.min(axis=0), others.max(axis=0)
    spread = (high - low).max()
    return bool((low > spread).any() or (high < -spread).any())
