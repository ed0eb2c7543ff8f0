"""Who is in a neighbourhood, from rows of distances (M, N); rows `first` to `last` are done at a call."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled

DECIDED, TIED, MISSING = 0, 1, 2


@compiled
def smallest(distances: Any, k: int, found: Any, doubt: Any, first: int, last: int) -> None:
    """The places of the k smallest of each row, in order; of equal ones the first.

    `doubt` says where equal ones stand among the k + 1 smallest, and where fewer are below infinity.
    """
    total = distances.shape[1]
    most = min(k + 1, total)
    values, places = np.empty(most, distances.dtype), np.empty(most, np.int64)
    for row in range(first, last):
        filled, limit = 0, np.inf
        for place in range(total):
            value = distances[row, place]
            if value < limit:
                at = filled if filled < most else most - 1
                while at > 0 and values[at - 1] > value:
                    values[at], places[at] = values[at - 1], places[at - 1]
                    at -= 1
                values[at], places[at] = value, place
                filled = min(filled + 1, most)
                if filled == most:
                    limit = values[most - 1]
        doubt[row] = DECIDED if filled == most else MISSING
        for at in range(1, filled):
            if values[at] == values[at - 1] and doubt[row] == DECIDED:
                doubt[row] = TIED
        for at in range(min(k, filled)):
            found[row, at] = places[at]
