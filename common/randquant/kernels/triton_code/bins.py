# mypy: ignore-errors
"""Cuts and values in units of a row's entries, and which value an entry gets."""

import triton
import triton.language as tl


@triton.jit
def _in_units(fraction, low, high):
    """A fraction of [low, high]; the operations of the plain form in its order, so that no bit differs."""
    return tl.minimum(tl.maximum(low * (1.0 - fraction) + high * fraction, low), high)


@triton.jit
def as_cut(fraction, low, high):
    return tl.where(fraction == float("inf"), fraction, _in_units(tl.minimum(fraction, 1.0), low, high))


@triton.jit
def as_value(fraction, low, high):
    """NaN stands for the constant zero."""
    zero = fraction != fraction
    return tl.where(zero, 0.0, _in_units(tl.where(zero, 0.0, fraction), low, high))


@triton.jit
def closed(low, high):
    """A row without a single counted entry gets an empty range."""
    vacant = low > high
    return tl.where(vacant, 0.0, low), tl.where(vacant, 0.0, high)


@triton.jit
def finite(entries):
    return tl.abs(entries) < float("inf")


@triton.jit
def write_table(table, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """Cuts and values of rows (ROWS,) in units of their entries, as (rows, 2, bins); the last cut is infinite."""
    at = tl.arange(0, BINS)[None, :]
    low, high, there = low[:, None], high[:, None], there[:, None]
    edge = tl.load(edges + row[:, None] * (bins - 1) + at, mask=there & (at < bins - 1), other=float("inf"))
    tl.store(table + row[:, None] * (2 * bins) + at, as_cut(edge, low, high), mask=there & (at < bins))
    value = tl.load(values + row[:, None] * bins + at, mask=there & (at < bins), other=0.0)
    tl.store(table + row[:, None] * (2 * bins) + bins + at, as_value(value, low, high), mask=there & (at < bins))
    tl.debug_barrier()


@triton.jit
def searched(entries, own, bins, STEPS: tl.constexpr):
    """The value of each entry's bin by a binary search in its row's table: the number of cuts at or below it."""
    found = tl.zeros(entries.shape, tl.int32)
    for step in tl.static_range(STEPS):
        candidate = found + (1 << (STEPS - 1 - step))
        cut = tl.load(own + tl.minimum(candidate, bins) - 1)
        found = tl.where((candidate < bins) & (cut <= entries), candidate, found)
    return tl.load(own + bins + found)


@triton.jit
def counted_up(entries, own, bins, BINS: tl.constexpr):
    """The same by one comparison and one choice a cut, which is quicker for few bins."""
    chosen = tl.zeros(entries.shape, tl.float32) + tl.load(own + bins)
    for k in tl.static_range(1, BINS):
        cut = tl.load(own + tl.minimum(k, bins) - 1)
        value = tl.load(own + bins + tl.minimum(k, bins - 1))
        chosen = tl.where(entries >= cut, value, chosen)
    return chosen
