# mypy: ignore-errors
"""Long rows of which there are too few for all multiprocessors: several programs work on parts of one."""

import triton
import triton.language as tl

from randquant.kernels.triton_code.long_rows import extent, first_entry, range_of, replace, rows_of


@triton.jit
def _key(value):
    """Unsigned numbers in the order of floats, all above 0."""
    bits = value.to(tl.int32, bitcast=True)
    return tl.where(bits < 0, ~bits, bits ^ -2147483648).to(tl.uint32, bitcast=True)


@triton.jit
def _from_key(key):
    bits = key.to(tl.int32, bitcast=True)
    return tl.where(bits < 0, bits ^ -2147483648, ~bits).to(tl.float32, bitcast=True)


@triton.jit
def _part(split, splits, size, WIDTH: tl.constexpr):
    """Where a part of a row begins, and where the next one does."""
    step = tl.cdiv(tl.cdiv(size, splits), WIDTH) * WIDTH
    return split * step, tl.minimum(split * step + step, size)


@triton.jit
def range_of_parts(
    x, counted, keys, offsets, inner, length, splits,
    x_outer, x_inner, x_along, counted_outer, counted_inner, counted_along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr, HAS_COUNTED: tl.constexpr, PACKED: tl.constexpr,
):  # fmt: skip
    """The range of a part of ROWS rows, into two keys a row that are zero at first."""
    outer, within, there = rows_of(tl.program_id(0) // splits, inner, ROWS)
    start, size = extent(offsets, outer, length, PACKED)
    source = first_entry(x, outer, within, start, x_outer, x_inner, x_along, PACKED)
    flags = counted
    if HAS_COUNTED:
        flags = first_entry(counted, outer, within, start, counted_outer, counted_inner, counted_along, PACKED)
    first, last = _part(tl.program_id(0) % splits, splits, size, WIDTH)
    low, high = range_of(source, flags, there, first, last, x_along, counted_along, ROWS, WIDTH, WIDE, HAS_COUNTED)
    key = keys + (outer * inner + within) * 2
    tl.atomic_max(key, _key(-low), mask=there, sem="relaxed")
    tl.atomic_max(key + 1, _key(high), mask=there, sem="relaxed")


@triton.jit
def replace_parts(
    x, out, edges, values, applied, counted, table, keys, offsets, bins, inner, length, splits,
    x_outer, x_inner, x_along, out_outer, out_inner, out_along, counted_outer, counted_inner, counted_along,
    BINS: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr, HAS_COUNTED: tl.constexpr, PACKED: tl.constexpr,
):  # fmt: skip
    """A part of ROWS rows whose range is known. Every program of a row writes the same table."""
    outer, within, there = rows_of(tl.program_id(0) // splits, inner, ROWS)
    row = outer * inner + within
    start, size = extent(offsets, outer, length, PACKED)
    source = first_entry(x, outer, within, start, x_outer, x_inner, x_along, PACKED)
    target = first_entry(out, outer, within, start, out_outer, out_inner, out_along, PACKED)
    flags = counted
    if HAS_COUNTED:
        flags = first_entry(counted, outer, within, start, counted_outer, counted_inner, counted_along, PACKED)
    low = -_from_key(tl.load(keys + row * 2, mask=there, other=0))
    high = _from_key(tl.load(keys + row * 2 + 1, mask=there, other=0))
    first, last = _part(tl.program_id(0) % splits, splits, size, WIDTH)
    replace(
        source, target, edges, values, applied, flags, table, row, there, low, high, first, last, bins,
        x_along, out_along, counted_along, BINS, STEPS, WIDTH, WIDE, HAS_APPLIED, HAS_COUNTED,
    )  # fmt: skip
