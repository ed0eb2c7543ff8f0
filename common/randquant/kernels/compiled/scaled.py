"""Bins, from fractions of a row's range to its own units."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    below,
    both,
    larger,
    like,
    load,
    minus,
    plus,
    reaches,
    smaller,
    spread,
    store,
    times,
    where,
)

INFINITE = np.inf


@compiled
def sort_lanes(numbers: Any, pairs: Any) -> None:
    """Put a list of numbers in order in every lane: entry i of all lists is at i * WIDTH."""
    for pair in range(len(pairs)):
        i, j = pairs[pair, 0] * WIDTH, pairs[pair, 1] * WIDTH
        a, b = load(numbers, i), load(numbers, j)
        store(numbers, i, smaller(a, b))
        store(numbers, j, larger(a, b))


@compiled
def _between(low: Any, high: Any, one: Any, fraction: Any) -> Any:
    """low * (1 - fraction) + high * fraction, which cannot overflow, and never outside."""
    mixed = plus(times(low, minus(one, fraction)), times(high, fraction))
    return smaller(larger(mixed, low), high)


@compiled
def scale_lanes(cuts: Any, shares: Any, bins: int, lows: Any, highs: Any, vanishing: Any) -> None:
    """Turn sorted cuts (K - 1, WIDTH) and shares (K, WIDTH) of the bins into cuts and values in the units of rows.

    A share that is NaN stands for the constant zero. Values from -vanishing to 0 become 0.
    """
    low, high, least_kept = load(lows, 0), load(highs, 0), spread(-vanishing)
    zero, one, infinite = like(low, 0.0), like(low, 1.0), like(low, INFINITE)
    start = zero
    for k in range(bins):
        place, end = k * WIDTH, one
        if k < bins - 1:
            cut = load(cuts, place)
            end = smaller(cut, one)
            store(cuts, place, where(below(cut, infinite), _between(low, high, one, end), infinite))
        fraction = plus(start, times(load(shares, place), minus(end, start)))
        value = _between(low, high, one, fraction)
        gone = both(reaches(value, least_kept), reaches(zero, value))
        store(shares, place, where(reaches(fraction, zero), where(gone, zero, value), zero))
        start = end


@compiled
def scale_row(
    cuts: Any, values: Any, bins: int, low: Any, high: Any, one: Any, vanishing: Any, row_cuts: Any, row_values: Any
) -> None:
    """The same of one row, whose cuts and values are ascending fractions."""
    zero = one - one
    for k in range(bins - 1):
        cut = cuts[k]
        inner = one if cut > one else cut
        mixed = low * (one - inner) + high * inner
        mixed = low if mixed < low else mixed
        row_cuts[k] = abs(cut) if np.isinf(cut) else (high if mixed > high else mixed)
    for k in range(bins):
        fraction = values[k]
        mixed = low * (one - fraction) + high * fraction
        mixed = low if mixed < low else mixed
        mixed = high if mixed > high else mixed
        row_values[k] = zero if np.isnan(fraction) or -vanishing <= mixed <= zero else mixed
