# mypy: ignore-errors
"""Randomized quantization on a GPU, in Triton: a row that fits on a multiprocessor is read once and written once; a
longer one is split over programs, and its second reading comes from the L2 cache.

A program works on a tile (ROWS, SEGMENTS, WIDTH) of entries, of which place `segment * WIDTH + column` of a row is
meant: neighbouring rows lie beside one another so that a warp holds several and computes the cuts of each once.
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
def _range(entries, counts):
    """The lowest and the highest of a tile's entries that count, of each row (ROWS,)."""
    low = tl.min(tl.min(tl.where(counts, entries, float("inf")), 1), 1)
    high = tl.max(tl.max(tl.where(counts, entries, float("-inf")), 1), 1)
    return low, high


@triton.jit
def _closed(low, high):
    """A row without a single counted entry gets an empty range."""
    vacant = low > high
    return tl.where(vacant, 0.0, low), tl.where(vacant, 0.0, high)


@triton.jit
def _finite(entries):
    return tl.abs(entries) < float("inf")


@triton.jit
def _places(first, SEGMENTS: tl.constexpr, WIDTH: tl.constexpr, WIDE: tl.constexpr):
    """Where in their row a tile's entries stand."""
    place = first + tl.arange(0, SEGMENTS)[None, :, None] * WIDTH + tl.arange(0, WIDTH)[None, None, :]
    return place.to(tl.int64) if WIDE else place


@triton.jit
def _write_table(table, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """Cuts and values of rows in units of their entries, as (rows, 2, bins); the last cut is infinite."""
    at = tl.arange(0, BINS)[None, :]
    low, high, there = low[:, None], high[:, None], there[:, None]
    edge = tl.load(edges + row[:, None] * (bins - 1) + at, mask=there & (at < bins - 1), other=float("inf"))
    tl.store(table + row[:, None] * (2 * bins) + at, _cut(edge, low, high), mask=there & (at < bins))
    value = tl.load(values + row[:, None] * bins + at, mask=there & (at < bins), other=0.0)
    tl.store(table + row[:, None] * (2 * bins) + bins + at, _value(value, low, high), mask=there & (at < bins))


@triton.jit
def _searched(entries, table, row, bins, STEPS: tl.constexpr):
    """The value of each entry's bin by a binary search in the table: the number of cuts at or below it."""
    own = table + row[:, None, None] * (2 * bins)
    found = tl.zeros(entries.shape, tl.int32)
    for step in tl.static_range(STEPS):
        candidate = found + (1 << (STEPS - 1 - step))
        cut = tl.load(own + tl.minimum(candidate, bins) - 1)
        found = tl.where((candidate < bins) & (cut <= entries), candidate, found)
    return tl.load(own + bins + found)


@triton.jit
def _counted_up(entries, table, row, there, bins, BINS: tl.constexpr):
    """The same by one comparison and one choice a cut, which is quicker for few bins."""
    own = table + row * (2 * bins)
    chosen = tl.zeros(entries.shape, tl.float32) + tl.load(own + bins, mask=there)[:, None, None]
    for k in tl.static_range(1, BINS):
        used = there & (k < bins)
        cut = tl.load(own + (k - 1), mask=used, other=float("inf"))[:, None, None]
        value = tl.load(own + (bins + k), mask=used, other=0.0)[:, None, None]
        chosen = tl.where(entries >= cut, value, chosen)
    return chosen


@triton.jit
def _computed(entries, edges, values, row, there, low, high, bins, BINS: tl.constexpr):
    """As `_counted_up`, with the cuts and values computed instead of read."""
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
    """ROWS rows as a whole: one read, one write."""
    parts = tl.cdiv(inner, ROWS)
    outer = (tl.program_id(0) // parts).to(tl.int64)
    within = (tl.program_id(0) % parts) * ROWS + tl.arange(0, ROWS)
    there = within < inner
    row = outer * inner + within
    column = within[:, None, None]
    place = _places(0, SEGMENTS, WIDTH, WIDE)
    inside = there[:, None, None] & (place < length)
    raw = tl.load(x + outer * x_outer + column * x_inner + place * x_along, mask=inside, other=0.0)
    entries = raw.to(tl.float32)
    replaced = inside & _finite(entries)
    if HAS_COUNTED:
        flags = counted + outer * counted_outer + column * counted_inner + place * counted_along
        replaced = replaced & (tl.load(flags, mask=inside, other=0) != 0)
    low, high = _range(entries, replaced)
    low, high = _closed(low, high)
    if HAS_APPLIED:
        replaced = replaced & (tl.load(applied + row, mask=there, other=0) != 0)[:, None, None]
    if STEPS == 0:
        chosen = _computed(entries, edges, values, row, there, low, high, bins, BINS)
    else:
        _write_table(table, edges, values, row, there, low, high, bins, BINS)
        tl.debug_barrier()
        chosen = _searched(entries, table, tl.where(there, row, 0), bins, STEPS)
    quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
    tl.store(out + outer * out_outer + column * out_inner + place * out_along, quantized, mask=inside)


@triton.jit
def _turn(ticket, items, lead):
    """What the program with this ticket does: 0 a range, 1 a replacement, and of which item.

    Ranges lead by so much that they are known when they are asked for, and by so little that what they read is still
    in the cache. Who waits, waits for lower tickets alone, which are drawn by programs that run, so none waits forever.
    """
    after = ticket - lead
    steady = 2 * (items - lead)
    leading = after < 0
    alternating = after < steady
    replaces = tl.where(leading, 0, tl.where(alternating, after % 2, 1))
    middle = tl.where(replaces == 1, after // 2, lead + after // 2)
    item = tl.where(leading, ticket, tl.where(alternating, middle, items - lead + after - steady))
    return replaces, item


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
def quantize_split(
    x,
    out,
    edges,
    values,
    applied,
    counted,
    table,
    state,
    offsets,
    bins,
    inner,
    length,
    groups,
    splits,
    lead,
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
    PACKED: tl.constexpr,
):
    """One part of ROWS long rows: its range, or its replacement once every part's range is known.

    `state` is zero at first: a ticket, and for each group of rows the parts whose range is known and whether the table
    is written; then two keys for each row.
    """
    replaces, item = _turn(tl.atomic_add(state, 1), groups * splits, lead)
    group, split = item // splits, item % splits
    parts = tl.cdiv(inner, ROWS)
    outer = (group // parts).to(tl.int64)
    within = (group % parts) * ROWS + tl.arange(0, ROWS)
    there = within < inner
    row = outer * inner + within
    column = within[:, None, None]
    if PACKED:
        start = tl.load(offsets + outer).to(tl.int64)
        size = (tl.load(offsets + outer + 1) - start).to(tl.int32)
        x += start * x_along
        out += start * out_along
        counted_from = start * counted_along
    else:
        size = length
        x += outer * x_outer
        out += outer * out_outer
        counted_from = outer * counted_outer
    known, ready = state + 1 + group, state + 1 + groups + group
    keys = (state + 1 + 2 * groups).to(tl.pointer_type(tl.uint32)) + row * 2
    TILE: tl.constexpr = SEGMENTS * WIDTH

    if replaces == 0:
        low = tl.full((ROWS,), float("inf"), tl.float32)
        high = tl.full((ROWS,), float("-inf"), tl.float32)
        first = split * TILE
        while first < size:
            place = _places(first, SEGMENTS, WIDTH, WIDE)
            inside = there[:, None, None] & (place < size)
            address = x + column * x_inner + place * x_along
            entries = tl.load(address, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)
            counts = inside & _finite(entries)
            if HAS_COUNTED:
                flags = counted + counted_from + column * counted_inner + place * counted_along
                counts = counts & (tl.load(flags, mask=inside, other=0) != 0)
            tile_low, tile_high = _range(entries, counts)
            low, high = tl.minimum(low, tile_low), tl.maximum(high, tile_high)
            first += splits * TILE
        tl.atomic_max(keys, _key(-low), mask=there, sem="relaxed")
        tl.atomic_max(keys + 1, _key(high), mask=there, sem="relaxed")
        tl.debug_barrier()
        if tl.atomic_add(known, 1) == splits - 1:
            low = -_from_key(tl.load(keys, mask=there, other=0, volatile=True))
            high = _from_key(tl.load(keys + 1, mask=there, other=0, volatile=True))
            low, high = _closed(low, high)
            _write_table(table, edges, values, row, there, low, high, bins, BINS)
            tl.debug_barrier()
            tl.atomic_xchg(ready, 1, sem="release")
    else:
        while tl.atomic_add(ready, 0, sem="acquire") == 0:
            pass
        first = split * TILE
        while first < size:
            place = _places(first, SEGMENTS, WIDTH, WIDE)
            inside = there[:, None, None] & (place < size)
            address = x + column * x_inner + place * x_along
            raw = tl.load(address, mask=inside, other=0.0, eviction_policy="evict_first")
            entries = raw.to(tl.float32)
            replaced = inside & _finite(entries)
            if HAS_COUNTED:
                flags = counted + counted_from + column * counted_inner + place * counted_along
                replaced = replaced & (tl.load(flags, mask=inside, other=0) != 0)
            if HAS_APPLIED:
                replaced = replaced & (tl.load(applied + row, mask=there, other=0) != 0)[:, None, None]
            if STEPS == 0:
                chosen = _counted_up(entries, table, row, there, bins, BINS)
            else:
                chosen = _searched(entries, table, tl.where(there, row, 0), bins, STEPS)
            quantized = tl.where(replaced, (chosen + 0.0).to(raw.dtype), raw)
            target = out + column * out_inner + place * out_along
            tl.store(target, quantized, mask=inside, eviction_policy="evict_first")
            first += splits * TILE
