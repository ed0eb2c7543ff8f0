"""The first points of stored clouds, in farthest-point order: a number of each, or all."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError, UsageError

if TYPE_CHECKING:
    from randquant.data.store import Store

Points = int | Literal["any"]  # of a cloud: so many, or all it has


def in_words(points: Points) -> str:
    """For a sentence: "1,024 points" or "all points"."""
    return "all points" if points == "any" else f"{points:,} points"


def require_number(points: Points, what: str) -> int:
    """The number of points, for what takes clouds of one size alone.

    Raises:
        UsageError: it is "any".
    """
    if points == "any":
        raise UsageError(f"{what} takes clouds of one size, so --points any cannot be; give a number.")
    return points


def require_points(store: "Store", points: Points) -> int:
    """How many clouds of a store have fewer points than are taken of the others.

    Raises:
        DataError: all have fewer.
    """
    if points == "any":
        return 0
    largest = int(store.lengths.argmax())
    if points > store.lengths[largest]:
        raise DataError(
            f"{points:,} points of each shape are asked for, but the largest, {store.column('path')[largest]} in "
            f"{store.path}, has {store.lengths[largest]:,}; lower --points, or prepare the store with more."
        )
    return int((store.lengths < points).sum())


def filled(rows: NDArray[np.float32], points: int) -> NDArray[np.float32]:
    """The first `points` rows; of a cloud that has fewer, all of them over and over: (points, C)."""
    return rows[:points] if len(rows) >= points else np.resize(rows, (points, *rows.shape[1:]))
