"""Randomized quantization of rows, wherever their entries lie: a pass over a row for its range, one for its bins.

Sixteen rows at a time: their cuts are sorted and scaled together, in the lanes of a vector. Entries that do not lie
side by side are brought together, a piece at a time.
"""

from typing import Any

from randquant.kernels.compiled.compiled import compiled, inlined
from randquant.kernels.compiled.lanes import WIDTH, address, ahead
from randquant.kernels.compiled.layout import PIECE, Bins, layout_of, row_at, scratch_in
from randquant.kernels.compiled.rows import copy, range_of, range_of_some, replace, replace_searching, replace_some
from randquant.kernels.compiled.scaled import scale_lanes, scale_row, sort_lanes
from randquant.kernels.sorting_network import MOST_SORTED

ALIGNED = WIDTH  # rows that are gone through together


@compiled
def quantize_rows(
    entries: Any,
    counted: Any,
    bounds: Any,
    steps: Any,
    counted_steps: Any,
    size: Any,
    cuts: Any,
    values: Any,
    most: int,
    pairs: Any,
    drawn: bool,
    applied: Any,
    numbers: Any,
    out: Any,
    scratch_numbers: Any,
    scratch_truths: Any,
    first: int,
    last: int,
) -> None:
    """Quantize rows `first` to `last`.

    Args:
        entries: 1-D, all that the rows reach.
        counted: bytes likewise, true where an entry counts; none where all do.
        bounds: (clouds + 1,) of packed clouds; none of others.
        steps: see `Layout`.
        counted_steps: see `Layout`.
        size: length and columns.
        cuts: 1-D, of all rows.
        values: 1-D, of all rows.
        most: bins.
        pairs: `network` of the cuts.
        drawn: see `Kernel`.
        applied: bool, of all rows; none where all are quantized.
        numbers: 1, infinity, and the size up to which negative values become 0, as the result's dtype has no smaller.
        out: 1-D.
        scratch_numbers: of `scratch_size`.
        scratch_truths: of `truths_size`.
        first: row.
        last: row behind the last.
    """
    layout = layout_of(entries, counted, bounds, steps, counted_steps, size, out)
    bins = Bins(address(cuts), address(values), most, numbers[0], numbers[1], numbers[2])
    scratch = scratch_in(scratch_numbers, scratch_truths, most)
    for top in range(first, last, WIDTH):
        rows = min(WIDTH, last - top)
        for lane in range(rows):
            _find_range(layout, bins, scratch, top + lane, lane)
        if drawn:
            _scale_drawn(bins, scratch, pairs, top, rows)
        for lane in range(rows):
            if len(applied) == 0 or applied[top + lane]:
                _replace_row(layout, bins, scratch, drawn, top + lane, lane)
            else:
                row, _, goal, count = row_at(layout, top + lane)
                copy(row, layout.steps[1], count, goal, layout.columns if layout.packed else 1)


@inlined
def _find_range(layout: Any, bins: Any, scratch: Any, number: int, lane: int) -> None:
    """Range of a row, and whether some of its entries keep their value."""
    row, counted, _, count = row_at(layout, number)
    low, high, odd = bins.infinite, -bins.infinite, layout.masked
    for start in range(0, count, PIECE):
        size = min(PIECE, count - start)
        piece, truths = _piece(layout, scratch, row, counted, start, size, lane, True)
        if not odd:
            a, b, odd = range_of(piece, size, scratch.tail)
        if odd:
            a, b = range_of_some(piece, size, scratch.tail, truths, scratch.counted_tail, layout.masked)
        low, high = min(low, a), max(high, b)
    empty = low > high
    scratch.lows[lane] = bins.one - bins.one if empty else low
    scratch.highs[lane] = bins.one - bins.one if empty else high
    scratch.odd[lane] = odd


@inlined
def _piece(layout: Any, scratch: Any, row: Any, counted: Any, start: int, size: int, lane: int, fetched: bool) -> Any:
    """Entries of a row from `start` on, side by side, and which of them count; `fetched` where they are not yet."""
    piece, truths = ahead(row, start), ahead(counted, start)
    step, counted_step = layout.steps[1], layout.counted_steps[1]
    if step != 1:
        piece = ahead(scratch.together, lane * PIECE)
        if fetched:
            copy(ahead(row, start * step), step, size, piece, 1)
    if layout.masked and counted_step != 1:
        truths = ahead(scratch.counted_together, lane * PIECE)
        if fetched:
            copy(ahead(counted, start * counted_step), counted_step, size, truths, 1)
    return piece, truths


@inlined
def _scale_drawn(bins: Any, scratch: Any, pairs: Any, top: int, rows: int) -> None:
    """Sort the cuts of rows, and bring them and the values into the rows' units: one row a lane."""
    for lane in range(WIDTH):
        number, cuts = top + min(lane, rows - 1), bins.most - 1
        copy(ahead(bins.cuts, number * cuts), 1, cuts, ahead(scratch.cuts, lane), WIDTH)
        copy(ahead(bins.values, number * bins.most), 1, bins.most, ahead(scratch.values, lane), WIDTH)
    sort_lanes(scratch.cuts, pairs)
    scale_lanes(scratch.cuts, scratch.values, bins.most, scratch.lows, scratch.highs, bins.vanishing)


@inlined
def _replace_row(layout: Any, bins: Any, scratch: Any, drawn: bool, number: int, lane: int) -> None:
    """Write the result of a row."""
    row, counted, goal, count = row_at(layout, number)
    cuts, values, step = ahead(scratch.cuts, lane), ahead(scratch.values, lane), WIDTH
    if not drawn:
        cuts, values, step = scratch.cuts, scratch.values, 1
        given = ahead(bins.cuts, number * (bins.most - 1)), ahead(bins.values, number * bins.most)
        low, high = scratch.lows[lane], scratch.highs[lane]
        scale_row(given[0], given[1], bins.most, low, high, bins.one, bins.vanishing, cuts, values)
    goal_step = layout.columns if layout.packed else 1
    for start in range(0, count, PIECE):
        size = min(PIECE, count - start)
        piece, truths = _piece(layout, scratch, row, counted, start, size, lane, count > PIECE)
        target = ahead(goal, start) if goal_step == 1 else scratch.replaced
        if bins.most > MOST_SORTED:
            replace_searching(piece, size, truths, layout.masked, cuts, values, bins.most, target)
        elif scratch.odd[lane] != 0:
            truths_tail = scratch.counted_tail
            replace_some(
                piece, size, scratch.tail, truths, truths_tail, layout.masked, cuts, values, step, bins.most, target
            )
        else:
            replace(piece, size, scratch.tail, cuts, values, step, bins.most, target)
        if goal_step != 1:
            copy(target, 1, size, ahead(goal, start * goal_step), goal_step)
