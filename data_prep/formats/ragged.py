"""Runs of different lengths, one after the other."""

import numpy as np
from numpy.typing import NDArray


def places_within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in its run each element stands: (sum of counts,), counted from 0.

    >>> places_within(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
