"""Sorting many short lists at once: which two numbers of a list are compared, in which order."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

MOST_SORTED = 256  # bins whose cuts are sorted, and compared one by one; a bin among more is searched for


@cache
def network(count: int) -> NDArray[np.int64]:
    """(comparisons, 2) pairs i < j: after each in turn has put the smaller number first, a list is in order.

    Source: Batcher's odd-even merge sort (Sorting networks and their applications, 1968) for any count, as in Knuth,
    The Art of Computer Programming, vol. 3, algorithm 5.2.2M.
    """
    pairs = []
    span = 1
    while span < count:
        step = span
        while step:
            for first in range(step % span, count - step, 2 * step):
                for i in range(first, min(first + step, count - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        pairs.append((i, i + step))
            step //= 2
        span *= 2
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
