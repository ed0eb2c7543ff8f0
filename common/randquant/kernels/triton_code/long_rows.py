# mypy: ignore-errors
"""Rows that are too long for registers, each by one program: read twice, the second time from the cache."""

import triton
import triton.language as tl

from randquant.kernels.triton_code.bins import closed, counted_up, finite, searched, write_table


@triton.jit
def rows_of(group, inner, ROWS: tl.constexpr):
    """Of a group of ROWS rows: their outer index, their inner indices, and which of these there are."""
    parts = tl.cdiv(inner, ROWS)
    within = (group % parts) * ROWS + tl.arange(0, ROWS)
    return (group // parts).to(tl.int64), within, within < inner


@triton.jit
def extent(offsets, outer, length, PACKED: tl.constexpr):
    """Where the rows of an outer index begin along the packed dimension, and how long they are."""
    if PACKED:
        start = tl.load(offsets + outer).to(tl.int64)
        return start, (tl.load(offsets + outer + 1) - start).to(tl.int32)
    return tl.zeros((), tl.int64), length


@triton.jit
def first_entry(x, outer, within, start, x_outer, x_inner, x_along, PACKED: tl.constexpr):
    """Where the rows (ROWS, 1) begin in memory."""
    return x + (start * x_along if PACKED else outer * x_outer) + within[:, None] * x_inner


@triton.jit
def range_of(
    x, counted, there, first, last, x_along, counted_along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr, HAS_COUNTED: tl.constexpr,
):  # fmt: skip
    """The lowest and the highest of the entries from `first` to `last` that count, of each row (ROWS,)."""
    low = tl.full((ROWS, WIDTH), float("inf"), tl.float32)
    high = tl.full((ROWS, WIDTH), float("-inf"), tl.float32)
    begin = first
    while begin < last:  # not range, which the interpreter does not take from computed bounds
        place = begin + tl.arange(0, WIDTH)[None, :]
        inside = there[:, None] & (place < last)
        place = place.to(tl.int64) if WIDE else place
        entries = tl.load(x + place * x_along, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)
        counts = inside & finite(entries)
        if HAS_COUNTED:
            counts = counts & (tl.load(counted + place * counted_along, mask=inside, other=0) != 0)
        low = tl.minimum(low, tl.where(counts, entries, float("inf")))
        high = tl.maximum(high, tl.where(counts, entries, float("-inf")))
        begin += WIDTH
    return tl.min(low, 1), tl.max(high, 1)


@triton.jit
def replace(
    x, out, edges, values, applied, counted, table, row, there, low, high, first, last, bins,
    x_along, out_along, counted_along,
    BINS: tl.constexpr, STEPS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr, HAS_COUNTED: tl.constexpr,
):  # fmt: skip
    """Replace the entries from `first` to `last` of rows (ROWS,) of this range; those not applied stay as they are."""
    low, high = closed(low, high)
    write_table(table, edges, values, row, there, low, high, bins, BINS)
    own = table + tl.where(there, row, 0)[:, None] * (2 * bins)
    taken = there
    if HAS_APPLIED:
        taken = tl.load(applied + row, mask=there, other=0) != 0
    begin = first
    while begin < last:
        place = begin + tl.arange(0, WIDTH)[None, :]
        inside = there[:, None] & (place < last)
        place = place.to(tl.int64) if WIDE else place
        raw = tl.load(x + place * x_along, mask=inside, other=0.0, eviction_policy="evict_first")
        entries = raw.to(tl.float32)
        replaced = taken[:, None] & finite(entries)
        if HAS_COUNTED:
            replaced = replaced & (tl.load(counted + place * counted_along, mask=inside, other=0) != 0)
        chosen = counted_up(entries, own, bins, BINS) if STEPS == 0 else searched(entries, own, bins, STEPS)
        quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
        tl.store(out + place * out_along, quantized, mask=inside, eviction_policy="evict_first")
        begin += WIDTH


@triton.jit
def quantize_long(
    x, out, edges, values, applied, counted, table, offsets, bins, inner, length, groups,
    x_outer, x_inner, x_along, out_outer, out_inner, out_along, counted_outer, counted_inner, counted_along,
    BINS: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr, HAS_COUNTED: tl.constexpr, PACKED: tl.constexpr,
):  # fmt: skip
    """ROWS rows at a time, one group of them after another: there are as many programs as leave what all of them have
    read in the cache."""
    group = tl.program_id(0)
    while group < groups:
        outer, within, there = rows_of(group, inner, ROWS)
        row = outer * inner + within
        start, size = extent(offsets, outer, length, PACKED)
        source = first_entry(x, outer, within, start, x_outer, x_inner, x_along, PACKED)
        target = first_entry(out, outer, within, start, out_outer, out_inner, out_along, PACKED)
        flags = counted
        if HAS_COUNTED:
            flags = first_entry(counted, outer, within, start, counted_outer, counted_inner, counted_along, PACKED)
        begin = size * 0  # a number of the type that the loops count with
        low, high = range_of(source, flags, there, begin, size, x_along, counted_along, ROWS, WIDTH, WIDE, HAS_COUNTED)
        replace(
            source, target, edges, values, applied, flags, table, row, there, low, high, begin, size, bins,
            x_along, out_along, counted_along, BINS, STEPS, WIDTH, WIDE, HAS_APPLIED, HAS_COUNTED,
        )  # fmt: skip
        group += tl.num_programs(0)
