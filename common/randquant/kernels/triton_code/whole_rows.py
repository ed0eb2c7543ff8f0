# mypy: ignore-errors
"""Rows that fit into the registers of a multiprocessor: read once and written once."""

import triton
import triton.language as tl

from randquant.kernels.triton_code.bins import as_cut, as_value, closed, finite, searched, write_table


@triton.jit
def _computed(entries, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """As `counted_up` for a tile (ROWS, SEGMENTS, WIDTH), with the cuts and values computed instead of read."""
    first = as_value(tl.load(values + row * bins, mask=there, other=0.0), low, high)
    chosen = tl.zeros(entries.shape, tl.float32) + first[:, None, None]
    for k in tl.static_range(1, BINS):
        used = there & (k < bins)
        cut = as_cut(tl.load(edges + row * (bins - 1) + (k - 1), mask=used, other=float("inf")), low, high)
        value = as_value(tl.load(values + row * bins + k, mask=used, other=0.0), low, high)
        chosen = tl.where(entries >= cut[:, None, None], value[:, None, None], chosen)
    return chosen


@triton.jit
def quantize_whole(
    x, out, edges, values, applied, counted, table, bins, inner, length,
    x_outer, x_inner, x_along, out_outer, out_inner, out_along, counted_outer, counted_inner, counted_along,
    BINS: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr, SEGMENTS: tl.constexpr, WIDTH: tl.constexpr,
    WIDE: tl.constexpr, HAS_APPLIED: tl.constexpr, HAS_COUNTED: tl.constexpr,
):  # fmt: skip
    """ROWS rows as a whole: one read, one write.

    The tile is (ROWS, SEGMENTS, WIDTH), of which place `segment * WIDTH + column` of a row is meant: Triton then gives
    a warp several rows and a thread many entries of one, for which it computes the cuts once.
    """
    parts = tl.cdiv(inner, ROWS)
    outer = (tl.program_id(0) // parts).to(tl.int64)
    within = (tl.program_id(0) % parts) * ROWS + tl.arange(0, ROWS)
    there = within < inner
    row = outer * inner + within
    column = within[:, None, None]
    place = tl.arange(0, SEGMENTS)[None, :, None] * WIDTH + tl.arange(0, WIDTH)[None, None, :]
    place = place.to(tl.int64) if WIDE else place
    inside = there[:, None, None] & (place < length)
    raw = tl.load(x + outer * x_outer + column * x_inner + place * x_along, mask=inside, other=0.0)
    entries = raw.to(tl.float32)
    replaced = inside & finite(entries)
    if HAS_COUNTED:
        flags = counted + outer * counted_outer + column * counted_inner + place * counted_along
        replaced = replaced & (tl.load(flags, mask=inside, other=0) != 0)
    low = tl.min(tl.min(tl.where(replaced, entries, float("inf")), 1), 1)
    high = tl.max(tl.max(tl.where(replaced, entries, float("-inf")), 1), 1)
    low, high = closed(low, high)
    if HAS_APPLIED:
        replaced = replaced & (tl.load(applied + row, mask=there, other=0) != 0)[:, None, None]
    if STEPS == 0:
        chosen = _computed(entries, edges, values, row, there, low, high, bins, BINS)
    else:
        write_table(table, edges, values, row, there, low, high, bins, BINS)
        own = table + tl.where(there, row, 0)[:, None, None] * (2 * bins)
        chosen = searched(entries, own, bins, STEPS)
    quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
    tl.store(out + outer * out_outer + column * out_inner + place * out_along, quantized, mask=inside)
