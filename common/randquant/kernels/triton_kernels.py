# mypy: ignore-errors
"""Randomized quantization on a GPU, in Triton.

A row that fits into the registers of a multiprocessor is read once and written once (`quantize_whole`). A longer one
is read twice by one program, the second time from the cache (`quantize_long`); where there are too few rows for all
multiprocessors, parts of a row are worked on by several programs (`range_of_parts`, then `replace_parts`).
"""

import triton
import triton.language as tl


@triton.jit
def _in_units(fraction, low, high):
    """A fraction of [low, high]; the operations of the plain form in its order, so that no bit differs."""
    return tl.minimum(tl.maximum(low * (1.0 - fraction) + high * fraction, low), high)


@triton.jit
def _cut(fraction, low, high):
    return tl.where(fraction == float("inf"), fraction, _in_units(tl.minimum(fraction, 1.0), low, high))


@triton.jit
def _value(fraction, low, high):
    """NaN stands for the constant zero."""
    zero = fraction != fraction
    return tl.where(zero, 0.0, _in_units(tl.where(zero, 0.0, fraction), low, high))


@triton.jit
def _closed(low, high):
    """A row without a single counted entry gets an empty range."""
    vacant = low > high
    return tl.where(vacant, 0.0, low), tl.where(vacant, 0.0, high)


@triton.jit
def _finite(entries):
    return tl.abs(entries) < float("inf")


@triton.jit
def _write_table(table, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """Cuts and values of rows (ROWS,) in units of their entries, as (rows, 2, bins); the last cut is infinite."""
    at = tl.arange(0, BINS)[None, :]
    low, high, there = low[:, None], high[:, None], there[:, None]
    edge = tl.load(edges + row[:, None] * (bins - 1) + at, mask=there & (at < bins - 1), other=float("inf"))
    tl.store(table + row[:, None] * (2 * bins) + at, _cut(edge, low, high), mask=there & (at < bins))
    value = tl.load(values + row[:, None] * bins + at, mask=there & (at < bins), other=0.0)
    tl.store(table + row[:, None] * (2 * bins) + bins + at, _value(value, low, high), mask=there & (at < bins))
    tl.debug_barrier()


@triton.jit
def _searched(entries, own, bins, STEPS: tl.constexpr):
    """The value of each entry's bin by a binary search in its row's table: the number of cuts at or below it."""
    found = tl.zeros(entries.shape, tl.int32)
    for step in tl.static_range(STEPS):
        candidate = found + (1 << (STEPS - 1 - step))
        cut = tl.load(own + tl.minimum(candidate, bins) - 1)
        found = tl.where((candidate < bins) & (cut <= entries), candidate, found)
    return tl.load(own + bins + found)


@triton.jit
def _counted_up(entries, own, bins, BINS: tl.constexpr):
    """The same by one comparison and one choice a cut, which is quicker for few bins."""
    chosen = tl.zeros(entries.shape, tl.float32) + tl.load(own + bins)
    for k in tl.static_range(1, BINS):
        cut = tl.load(own + tl.minimum(k, bins) - 1)
        value = tl.load(own + bins + tl.minimum(k, bins - 1))
        chosen = tl.where(entries >= cut, value, chosen)
    return chosen


@triton.jit
def _computed(entries, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """As `_counted_up` for a tile (ROWS, SEGMENTS, WIDTH), with the cuts and values computed instead of read."""
    first = _value(tl.load(values + row * bins, mask=there, other=0.0), low, high)
    chosen = tl.zeros(entries.shape, tl.float32) + first[:, None, None]
    for k in tl.static_range(1, BINS):
        used = there & (k < bins)
        cut = _cut(tl.load(edges + row * (bins - 1) + (k - 1), mask=used, other=float("inf")), low, high)
        value = _value(tl.load(values + row * bins + k, mask=used, other=0.0), low, high)
        chosen = tl.where(entries >= cut[:, None, None], value[:, None, None], chosen)
    return chosen


@triton.jit
def quantize_whole(
    x,
    out,
    edges,
    values,
    applied,
    counted,
    table,
    bins,
    inner,
    length,
    x_outer,
    x_inner,
    x_along,
    out_outer,
    out_inner,
    out_along,
    counted_outer,
    counted_inner,
    counted_along,
    BINS: tl.constexpr,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    SEGMENTS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
):
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
    replaced = inside & _finite(entries)
    if HAS_COUNTED:
        flags = counted + outer * counted_outer + column * counted_inner + place * counted_along
        replaced = replaced & (tl.load(flags, mask=inside, other=0) != 0)
    low = tl.min(tl.min(tl.where(replaced, entries, float("inf")), 1), 1)
    high = tl.max(tl.max(tl.where(replaced, entries, float("-inf")), 1), 1)
    low, high = _closed(low, high)
    if HAS_APPLIED:
        replaced = replaced & (tl.load(applied + row, mask=there, other=0) != 0)[:, None, None]
    if STEPS == 0:
        chosen = _computed(entries, edges, values, row, there, low, high, bins, BINS)
    else:
        _write_table(table, edges, values, row, there, low, high, bins, BINS)
        own = table + tl.where(there, row, 0)[:, None, None] * (2 * bins)
        chosen = _searched(entries, own, bins, STEPS)
    quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
    tl.store(out + outer * out_outer + column * out_inner + place * out_along, quantized, mask=inside)


@triton.jit
def _extent(offsets, outer, length, PACKED: tl.constexpr):
    """Where the rows of an outer index begin along the packed dimension, and how long they are."""
    if PACKED:
        start = tl.load(offsets + outer).to(tl.int64)
        return start, (tl.load(offsets + outer + 1) - start).to(tl.int32)
    return tl.zeros((), tl.int64), length


@triton.jit
def _range(
    x,
    counted,
    there,
    first,
    last,
    x_along,
    counted_along,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
):
    """The lowest and the highest of the entries from `first` to `last` that count, of each row (ROWS,)."""
    low = tl.full((ROWS, WIDTH), float("inf"), tl.float32)
    high = tl.full((ROWS, WIDTH), float("-inf"), tl.float32)
    begin = first
    while begin < last:  # not range, which the interpreter does not take from computed bounds
        place = begin + tl.arange(0, WIDTH)[None, :]
        inside = there & (place < last)
        place = place.to(tl.int64) if WIDE else place
        entries = tl.load(x + place * x_along, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)
        counts = inside & _finite(entries)
        if HAS_COUNTED:
            counts = counts & (tl.load(counted + place * counted_along, mask=inside, other=0) != 0)
        low = tl.minimum(low, tl.where(counts, entries, float("inf")))
        high = tl.maximum(high, tl.where(counts, entries, float("-inf")))
        begin += WIDTH
    return tl.min(low, 1), tl.max(high, 1)


@triton.jit
def _replace(
    x,
    out,
    counted,
    own,
    there,
    taken,
    first,
    last,
    bins,
    x_along,
    out_along,
    counted_along,
    BINS: tl.constexpr,
    STEPS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
):
    """Replace the entries from `first` to `last` of the rows that are taken; those of others stay as they are."""
    begin = first
    while begin < last:
        place = begin + tl.arange(0, WIDTH)[None, :]
        inside = there & (place < last)
        place = place.to(tl.int64) if WIDE else place
        raw = tl.load(x + place * x_along, mask=inside, other=0.0, eviction_policy="evict_first")
        entries = raw.to(tl.float32)
        replaced = taken & _finite(entries)
        if HAS_COUNTED:
            replaced = replaced & (tl.load(counted + place * counted_along, mask=inside, other=0) != 0)
        chosen = _counted_up(entries, own, bins, BINS) if STEPS == 0 else _searched(entries, own, bins, STEPS)
        quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
        tl.store(out + place * out_along, quantized, mask=inside, eviction_policy="evict_first")
        begin += WIDTH


@triton.jit
def quantize_long(
    x,
    out,
    edges,
    values,
    applied,
    counted,
    table,
    offsets,
    bins,
    inner,
    length,
    groups,
    x_outer,
    x_inner,
    x_along,
    out_outer,
    out_inner,
    out_along,
    counted_outer,
    counted_inner,
    counted_along,
    BINS: tl.constexpr,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
    PACKED: tl.constexpr,
):
    """ROWS rows at a time, one group of them after another: there are as many programs as leave what all of them have
    read in the cache."""
    parts = tl.cdiv(inner, ROWS)
    group = tl.program_id(0)
    while group < groups:
        outer = (group // parts).to(tl.int64)
        within = (group % parts) * ROWS + tl.arange(0, ROWS)
        there, column = within < inner, within[:, None]
        row = outer * inner + within
        start, size = _extent(offsets, outer, length, PACKED)
        skipped = 0 if PACKED else outer
        source = x + skipped * x_outer + start * x_along + column * x_inner
        target = out + skipped * out_outer + start * out_along + column * out_inner
        flags = counted + skipped * counted_outer + start * counted_along + column * counted_inner if HAS_COUNTED else x
        begin = size * 0  # a number of the type that the loops count with
        low, high = _range(
            source, flags, there[:, None], begin, size, x_along, counted_along, ROWS, WIDTH, WIDE, HAS_COUNTED
        )
        low, high = _closed(low, high)
        _write_table(table, edges, values, row, there, low, high, bins, BINS)
        own = table + tl.where(there, row, 0)[:, None] * (2 * bins)
        taken = there
        if HAS_APPLIED:
            taken = tl.load(applied + row, mask=there, other=0) != 0
        _replace(
            source,
            target,
            flags,
            own,
            there[:, None],
            taken[:, None],
            begin,
            size,
            bins,
            x_along,
            out_along,
            counted_along,
            BINS,
            STEPS,
            WIDTH,
            WIDE,
            HAS_COUNTED,
        )
        group += tl.num_programs(0)


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
def range_of_parts(
    x,
    counted,
    keys,
    offsets,
    inner,
    length,
    splits,
    x_outer,
    x_inner,
    x_along,
    counted_outer,
    counted_inner,
    counted_along,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
    PACKED: tl.constexpr,
):
    """The range of a part of ROWS rows, into two keys a row that are zero at first."""
    group, split = tl.program_id(0) // splits, tl.program_id(0) % splits
    parts = tl.cdiv(inner, ROWS)
    outer = (group // parts).to(tl.int64)
    within = (group % parts) * ROWS + tl.arange(0, ROWS)
    there, column = within < inner, within[:, None]
    start, size = _extent(offsets, outer, length, PACKED)
    skipped = 0 if PACKED else outer
    source = x + skipped * x_outer + start * x_along + column * x_inner
    flags = counted + skipped * counted_outer + start * counted_along + column * counted_inner if HAS_COUNTED else x
    step = tl.cdiv(tl.cdiv(size, splits), WIDTH) * WIDTH
    first = split * step
    last = tl.minimum(first + step, size)
    low, high = _range(
        source, flags, there[:, None], first, last, x_along, counted_along, ROWS, WIDTH, WIDE, HAS_COUNTED
    )
    key = keys + (outer * inner + within) * 2
    tl.atomic_max(key, _key(-low), mask=there, sem="relaxed")
    tl.atomic_max(key + 1, _key(high), mask=there, sem="relaxed")


@triton.jit
def replace_parts(
    x,
    out,
    edges,
    values,
    applied,
    counted,
    table,
    keys,
    offsets,
    bins,
    inner,
    length,
    splits,
    x_outer,
    x_inner,
    x_along,
    out_outer,
    out_inner,
    out_along,
    counted_outer,
    counted_inner,
    counted_along,
    BINS: tl.constexpr,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
    HAS_APPLIED: tl.constexpr,
    HAS_COUNTED: tl.constexpr,
    PACKED: tl.constexpr,
):
    """A part of ROWS rows whose range is known. Every program of a row writes the same table."""
    group, split = tl.program_id(0) // splits, tl.program_id(0) % splits
    parts = tl.cdiv(inner, ROWS)
    outer = (group // parts).to(tl.int64)
    within = (group % parts) * ROWS + tl.arange(0, ROWS)
    there, column = within < inner, within[:, None]
    row = outer * inner + within
    start, size = _extent(offsets, outer, length, PACKED)
    skipped = 0 if PACKED else outer
    source = x + skipped * x_outer + start * x_along + column * x_inner
    target = out + skipped * out_outer + start * out_along + column * out_inner
    flags = counted + skipped * counted_outer + start * counted_along + column * counted_inner if HAS_COUNTED else x
    low = -_from_key(tl.load(keys + row * 2, mask=there, other=0))
    high = _from_key(tl.load(keys + row * 2 + 1, mask=there, other=0))
    low, high = _closed(low, high)
    _write_table(table, edges, values, row, there, low, high, bins, BINS)
    own = table + tl.where(there, row, 0)[:, None] * (2 * bins)
    taken = there
    if HAS_APPLIED:
        taken = tl.load(applied + row, mask=there, other=0) != 0
    step = tl.cdiv(tl.cdiv(size, splits), WIDTH) * WIDTH
    first = split * step
    last = tl.minimum(first + step, size)
    _replace(
        source,
        target,
        flags,
        own,
        there[:, None],
        taken[:, None],
        first,
        last,
        bins,
        x_along,
        out_along,
        counted_along,
        BINS,
        STEPS,
        WIDTH,
        WIDE,
        HAS_COUNTED,
    )


@triton.jit
def arrange(cuts, shares, edges, values, rows, bins, BINS: tl.constexpr, ROWS: tl.constexpr):
    """Draws as `Kernel.drawn` has them, as ascending fractions of cuts (rows, K - 1) and of values (rows, K)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    at = tl.arange(0, BINS)[None, :]
    there = row < rows
    cut = tl.sort(tl.load(cuts + row * (bins - 1) + at, mask=there & (at < bins - 1), other=float("inf")), 1)
    own = edges + row * (bins - 1)
    tl.store(own + at, cut, mask=there & (at < bins - 1))
    tl.debug_barrier()
    below = tl.load(own + at - 1, mask=there & (at > 0) & (at < bins), other=0.0)
    low, high = tl.minimum(below, 1.0), tl.minimum(cut, 1.0)
    share = tl.load(shares + row * bins + at, mask=there & (at < bins), other=0.0)
    tl.store(values + row * bins + at, low + share * (high - low), mask=there & (at < bins))
