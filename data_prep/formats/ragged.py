"""Concatenated runs of different lengths."""

import numpy as np
from numpy.typing import NDArray


def places_within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of each element in its run, from 0: (sum of counts,).

    >>> places_within(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
