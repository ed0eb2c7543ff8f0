"""What is highest among the edges of a point, which are those of `randquant.kernels.compiled.edges`."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.edges import add_moments
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    both,
    differ,
    either,
    like,
    load,
    minus,
    plus,
    reaches,
    spread_from,
    store,
    times,
    where,
)


@compiled
def highest(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    shift: Any,
    sign: Any,
    sizes: Any,
    out: Any,
    slots: Any,
    sums: Any,
    first: int,
    last: int,
) -> None:
    """For each point and channel the highest near[neighbour] * sign, plus the centre, and at which slot it is.

    Args:
        near: (rows * C).
        sources: (edges) rows.
        starts: (points + 1).
        weights: (edges).
        centre: (points * C).
        shift: (C), taken from all edges before they are summed up.
        sign: (C), 1, or -1 where the lowest is meant.
        sizes: points of a cloud, C.
        out: (points * C).
        slots: likewise.
        sums: (clouds * 2 * C) float64, zeros before: of edges, near + centre, and of their squares; empty where they
            are not asked for.
        first: cloud.
        last: and the one behind the last.
    """
    points, channels = sizes
    for cloud in range(first, last):
        for at in range(cloud * points, (cloud + 1) * points):
            begin = starts[at]
            for channel in range(0, channels, WIDTH):
                around, signs = load(address(centre), at * channels + channel), load(address(sign), channel)
                moved = minus(around, load(address(shift), channel))
                value = load(address(near), sources[begin] * channels + channel)
                best, slot = times(value, signs), like(value, 0.0)
                edge = plus(value, moved)
                total = times(edge, spread_from(address(weights), begin))
                squares = times(total, edge)
                for number in range(begin + 1, starts[at + 1]):
                    value = load(address(near), sources[number] * channels + channel)
                    signed = times(value, signs)
                    # Kept where it is as high, or where it is NaN, which no number is above.
                    kept = either(reaches(best, signed), differ(best, best))
                    best, slot = where(kept, best, signed), where(kept, slot, like(value, float(number - begin)))
                    edge = plus(value, moved)
                    weighted = times(edge, spread_from(address(weights), number))
                    total, squares = plus(total, weighted), plus(squares, times(weighted, edge))
                store(address(out), at * channels + channel, plus(times(best, signs), around))
                store(address(slots), at * channels + channel, slot)
                if len(sums):
                    add_moments(sums, 2 * cloud * channels + channel, channels, total, squares)


@compiled
def highest_backward(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    slots: Any,
    gradient: Any,
    per_channel: Any,
    sizes: Any,
    to_near: Any,
    to_centre: Any,
    first: int,
    last: int,
) -> None:
    """The reverse: an edge gets the gradient (points * C) where it is highest, and what `moments_backward` gives it.

    `to_near` is zero before.
    """
    points, channels = sizes
    for at in range(first * points, last * points):
        begin = starts[at]
        for channel in range(0, channels, WIDTH):
            here = at * channels + channel
            own, slot = load(address(gradient), here), load(address(slots), here)
            moved = minus(load(address(centre), here), load(address(per_channel), channel))
            constant = load(address(per_channel), channels + channel)
            slope = load(address(per_channel), 2 * channels + channel)
            summed = like(own, 0.0)
            for number in range(begin, starts[at + 1]):
                place = sources[number] * channels + channel
                one = plus(constant, times(slope, plus(load(address(near), place), moved)))
                one = times(one, spread_from(address(weights), number))
                asked = like(own, float(number - begin))
                chosen = both(reaches(slot, asked), reaches(asked, slot))
                one = plus(one, where(chosen, own, like(own, 0.0)))
                store(address(to_near), place, plus(load(address(to_near), place), one))
                summed = plus(summed, one)
            store(address(to_centre), here, summed)
