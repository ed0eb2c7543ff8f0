"""Where rows lie, and what their bins are: addresses of arrays, which the caller holds."""

from typing import Any, NamedTuple

from randquant.kernels.compiled.compiled import inlined
from randquant.kernels.compiled.lanes import WIDTH, address, ahead

PIECE = 2048  # entries of a row that are brought together at a time
TRUTHS = 2 * WIDTH  # bytes of scratch beside pieces


class Layout(NamedTuple):
    """Rows (A, C) of L entries each; or of clouds, which begin at `bounds`. Steps count entries."""

    entries: Any
    counted: Any
    bounds: Any
    steps: Any  # from one group of rows, one entry and one row of a group to the next
    counted_steps: Any
    length: Any
    columns: Any
    packed: Any
    masked: Any
    out: Any


class Bins(NamedTuple):
    """Fractions of each row's range, K of them at most."""

    cuts: Any
    values: Any
    most: Any
    one: Any
    infinite: Any
    vanishing: Any


class Scratch(NamedTuple):
    """Memory of one thread, for `WIDTH` rows at a time."""

    tail: Any
    lows: Any
    highs: Any
    cuts: Any
    values: Any
    replaced: Any
    together: Any
    counted_tail: Any
    odd: Any
    counted_together: Any


@inlined
def layout_of(entries: Any, counted: Any, bounds: Any, steps: Any, counted_steps: Any, size: Any, out: Any) -> Any:
    """Of 1-D arrays; without bounds rows are not packed, without truths all entries count."""
    length, columns = size
    packed, masked = len(bounds) > 0, len(counted) > 0
    truths, begins, target = address(counted), address(bounds), address(out)
    return Layout(address(entries), truths, begins, steps, counted_steps, length, columns, packed, masked, target)


@inlined
def scratch_in(numbers: Any, truths: Any, bins: int) -> Any:
    """Of `scratch_size` numbers and bytes."""
    start, bytes_ = address(numbers), address(truths)
    cuts = ahead(start, 3 * WIDTH)
    values, replaced = ahead(cuts, WIDTH * bins), ahead(cuts, 2 * WIDTH * bins)
    return Scratch(
        start,
        ahead(start, WIDTH),
        ahead(start, 2 * WIDTH),
        cuts,
        values,
        replaced,
        ahead(replaced, PIECE),
        bytes_,
        ahead(bytes_, WIDTH),
        ahead(bytes_, TRUTHS),
    )


def scratch_size(bins: int, apart: bool) -> int:
    """Numbers in a thread's scratch; `apart`: entries do not lie side by side."""
    return (3 + 2 * bins) * WIDTH + PIECE + (WIDTH * PIECE if apart else 0)


def truths_size(apart: bool) -> int:
    """Bytes beside it; `apart`: of the truths."""
    return TRUTHS + (WIDTH * PIECE if apart else 0)


@inlined
def row_at(layout: Any, number: int) -> Any:
    """The addresses of a row's entries, of what says which count and of its result; and how many entries it has."""
    group, column = number, 0
    if layout.columns > 1:
        group, column = number // layout.columns, number % layout.columns
    a, b, c = layout.steps
    p, q, r = layout.counted_steps
    if layout.packed:
        begin = layout.bounds[group]
        count, goal = layout.bounds[group + 1] - begin, begin * layout.columns + column
        start, seen = begin * b + column * c, begin * q + column * r
    else:
        count, goal = layout.length, number * layout.length
        start, seen = group * a + column * c, group * p + column * r
    return ahead(layout.entries, start), ahead(layout.counted, seen), ahead(layout.out, goal), count
