"""Products of small matrices of `CHANNELS` columns that lie in the cache; each function takes addresses."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import WIDTH, ahead, like, load, spread_from, store, times_plus

CHANNELS = 64  # of a map
ROWS = 6  # that are multiplied together: with `WIDTH` columns as many sums as a machine's registers hold


@compiled
def multiply(a: Any, b: Any, c: Any, rows: int) -> None:
    """c (rows, 64) = a (rows, 64) b (64, 64), rows being rounded up to a multiple of `ROWS`."""
    zero = like(load(b, 0), 0.0)
    for column in range(0, CHANNELS, WIDTH):
        for row in range(0, rows, ROWS):
            left, right = ahead(a, row * CHANNELS), ahead(b, column)
            c0, c1, c2, c3, c4, c5 = zero, zero, zero, zero, zero, zero
            for k in range(CHANNELS):
                v = load(right, k * CHANNELS)
                c0 = times_plus(spread_from(left, k), v, c0)
                c1 = times_plus(spread_from(left, k + CHANNELS), v, c1)
                c2 = times_plus(spread_from(left, k + 2 * CHANNELS), v, c2)
                c3 = times_plus(spread_from(left, k + 3 * CHANNELS), v, c3)
                c4 = times_plus(spread_from(left, k + 4 * CHANNELS), v, c4)
                c5 = times_plus(spread_from(left, k + 5 * CHANNELS), v, c5)
            out = ahead(c, row * CHANNELS + column)
            store(out, 0, c0)
            store(out, CHANNELS, c1)
            store(out, 2 * CHANNELS, c2)
            store(out, 3 * CHANNELS, c3)
            store(out, 4 * CHANNELS, c4)
            store(out, 5 * CHANNELS, c5)


@compiled
def add_outer(a: Any, b: Any, c: Any, rows: int) -> None:
    """c (64, 64) += a (rows, 64) transposed times b (rows, 64)."""
    for column in range(0, CHANNELS, WIDTH):
        for row in range(0, CHANNELS, 4):
            out, right = ahead(c, row * CHANNELS + column), ahead(b, column)
            left = ahead(a, row)
            c0, c1 = load(out, 0), load(out, CHANNELS)
            c2, c3 = load(out, 2 * CHANNELS), load(out, 3 * CHANNELS)
            for k in range(0, rows * CHANNELS, CHANNELS):
                v = load(right, k)
                c0 = times_plus(spread_from(left, k), v, c0)
                c1 = times_plus(spread_from(left, k + 1), v, c1)
                c2 = times_plus(spread_from(left, k + 2), v, c2)
                c3 = times_plus(spread_from(left, k + 3), v, c3)
            store(out, 0, c0)
            store(out, CHANNELS, c1)
            store(out, 2 * CHANNELS, c2)
            store(out, 3 * CHANNELS, c3)
