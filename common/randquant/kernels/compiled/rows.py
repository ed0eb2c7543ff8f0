"""What is done with a row of entries that lie side by side; each function takes the address of the first."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    ahead,
    both,
    least,
    least_of,
    like,
    load,
    load_truths,
    minus,
    most,
    most_of,
    plus,
    reaches,
    spread_from,
    store,
    sum_of,
    where,
)

INFINITE = np.inf


@compiled
def copy(source: Any, step: int, count: int, target: Any, target_step: int) -> None:
    """Copy entries, whose places are so many entries apart."""
    if target_step == 1:
        for i in range(count):
            target[i] = source[i * step]
    else:
        for i in range(count):
            target[i * target_step] = source[i * step]


@compiled
def _filled(row: Any, count: int, tail: Any) -> Any:
    """Fewer entries than a vector has, filled up with the first of them; at `tail`."""
    for i in range(WIDTH):
        tail[i] = row[i] if i < count else row[0]
    return tail


@compiled
def range_of(row: Any, count: int, tail: Any) -> Any:
    """Smallest and largest entry, and whether one is not finite: then the two are not the range."""
    x = load(tail, 0)  # only for its type
    low, high, gap = like(x, INFINITE), like(x, -INFINITE), like(x, 0.0)
    whole = count - count % WIDTH
    for i in range(0, whole, WIDTH):
        x = load(row, i)
        low, high, gap = least(x, low), most(x, high), plus(gap, minus(x, x))
    if whole < count:
        x = load(_filled(ahead(row, whole), count - whole, tail), 0)
        low, high, gap = least(x, low), most(x, high), plus(gap, minus(x, x))
    return least_of(low), most_of(high), sum_of(gap) != 0


@compiled
def _counting(x: Any, truths: Any, masked: bool) -> Any:
    """Which of the entries are finite and count."""
    finite = reaches(minus(x, x), like(x, 0.0))
    return both(finite, load_truths(truths, 0)) if masked else finite


@compiled
def range_of_some(row: Any, count: int, tail: Any, truths: Any, truth_tail: Any, masked: bool) -> Any:
    """Smallest and largest of the finite entries that count; infinite and the wrong way round where there is none."""
    x = load(tail, 0)  # only for its type
    low, high = like(x, INFINITE), like(x, -INFINITE)
    for i in range(0, count, WIDTH):
        entries, seen = ahead(row, i), ahead(truths, i)
        if i + WIDTH > count:
            entries = _filled(entries, count - i, tail)
            if masked:
                seen = _filled(seen, count - i, truth_tail)
        x = load(entries, 0)
        counts = _counting(x, seen, masked)
        low = least(where(counts, x, like(x, INFINITE)), low)
        high = most(where(counts, x, like(x, -INFINITE)), high)
    return least_of(low), most_of(high)


@compiled
def _replaced(x: Any, cuts: Any, values: Any, step: int, bins: int) -> Any:
    """The value of each entry's bin: the last whose cut the entry reaches."""
    found = spread_from(values, 0)
    for k in range(bins - 1):
        found = where(reaches(x, spread_from(cuts, k * step)), spread_from(values, (k + 1) * step), found)
    return found


@compiled
def replace(row: Any, count: int, tail: Any, cuts: Any, values: Any, step: int, bins: int, out: Any) -> None:
    """Replace every entry by the value of its bin; cuts, and values, are so many numbers apart."""
    pairs = count - count % (2 * WIDTH)
    for i in range(0, pairs, 2 * WIDTH):
        a, b = load(row, i), load(row, i + WIDTH)
        p = spread_from(values, 0)
        q = p
        for k in range(bins - 1):
            cut, value = spread_from(cuts, k * step), spread_from(values, (k + 1) * step)
            p, q = where(reaches(a, cut), value, p), where(reaches(b, cut), value, q)
        store(out, i, p)
        store(out, i + WIDTH, q)
    for i in range(pairs, count, WIDTH):
        if i + WIDTH <= count:
            store(out, i, _replaced(load(row, i), cuts, values, step, bins))
        else:
            x = load(_filled(ahead(row, i), count - i, tail), 0)
            store(tail, 0, _replaced(x, cuts, values, step, bins))
            copy(tail, 1, count - i, ahead(out, i), 1)


@compiled
def replace_some(
    row: Any,
    count: int,
    tail: Any,
    truths: Any,
    truth_tail: Any,
    masked: bool,
    cuts: Any,
    values: Any,
    step: int,
    bins: int,
    out: Any,
) -> None:
    """Replace the finite entries that count."""
    for i in range(0, count, WIDTH):
        entries, seen, target = ahead(row, i), ahead(truths, i), ahead(out, i)
        if i + WIDTH > count:
            entries, target = _filled(entries, count - i, tail), tail
            if masked:
                seen = _filled(seen, count - i, truth_tail)
        x = load(entries, 0)
        store(target, 0, where(_counting(x, seen, masked), _replaced(x, cuts, values, step, bins), x))
        if i + WIDTH > count:
            copy(tail, 1, count - i, ahead(out, i), 1)


@compiled
def replace_searching(
    row: Any, count: int, truths: Any, masked: bool, cuts: Any, values: Any, bins: int, out: Any
) -> None:
    """The same by a binary search for each entry."""
    for i in range(count):
        x = row[i]
        if x - x == 0 and not (masked and truths[i] == 0):
            low, size = 0, bins - 1
            while size > 0:
                half = (size + 1) // 2
                low = low + half if cuts[low + half - 1] <= x else low
                size -= half
            out[i] = values[low]
        else:
            out[i] = x
