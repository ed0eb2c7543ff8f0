"""What is highest among the edges of a point; arrays are 1-D, clouds `first` to `last` are done at a call."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    both,
    differ,
    either,
    in_double,
    like,
    load,
    minus,
    plus,
    reaches,
    store,
    times,
    where,
)


@compiled
def highest(
    near: Any,
    index: Any,
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
        near: (clouds * N * C) of the neighbours.
        index: (clouds * M * k) places in the cloud.
        centre: (clouds * M * C).
        shift: (C), taken from all edges before they are summed up.
        sign: (C), 1, or -1 where the lowest is meant.
        sizes: N, M, k, C.
        out: (clouds * M * C).
        slots: likewise.
        sums: (clouds * 2 * C) float64, zeros before: of edges, near + centre, and of their squares; empty where they
            are not asked for.
    """
    total, points, k, channels = sizes
    for cloud in range(first, last):
        rows = ahead(address(near), cloud * total * channels)
        for point in range(points):
            at = cloud * points + point
            for channel in range(0, channels, WIDTH):
                around, signs = load(address(centre), at * channels + channel), load(address(sign), channel)
                moved = minus(around, load(address(shift), channel))
                value = load(rows, index[at * k] * channels + channel)
                best, slot = times(value, signs), like(value, 0.0)
                edge = plus(value, moved)
                total_edges, squares = edge, times(edge, edge)
                for number in range(1, k):
                    value = load(rows, index[at * k + number] * channels + channel)
                    signed = times(value, signs)
                    # Kept where it is as high, or where it is NaN, which no number is above.
                    kept = either(reaches(best, signed), differ(best, best))
                    best, slot = where(kept, best, signed), where(kept, slot, like(value, float(number)))
                    edge = plus(value, moved)
                    total_edges, squares = plus(total_edges, edge), plus(squares, times(edge, edge))
                store(address(out), at * channels + channel, plus(times(best, signs), around))
                store(address(slots), at * channels + channel, slot)
                if len(sums):
                    place = 2 * cloud * channels + channel
                    other = place + channels
                    store(address(sums), place, plus(load(address(sums), place), in_double(total_edges)))
                    store(address(sums), other, plus(load(address(sums), other), in_double(squares)))


@compiled
def highest_backward(
    near: Any,
    index: Any,
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
    """The reverse: an edge gets the gradient (clouds * M * C) where it is highest, and what each of its channel gets.

    That is per_channel[1] + per_channel[2] * (edge - per_channel[0]), (3 * C). `to_near` is zero before.
    """
    total, points, k, channels = sizes
    for cloud in range(first, last):
        rows = ahead(address(near), cloud * total * channels)
        back = ahead(address(to_near), cloud * total * channels)
        for point in range(points):
            at = cloud * points + point
            for channel in range(0, channels, WIDTH):
                here = at * channels + channel
                own, slot = load(address(gradient), here), load(address(slots), here)
                moved = minus(load(address(centre), here), load(address(per_channel), channel))
                constant = load(address(per_channel), channels + channel)
                slope = load(address(per_channel), 2 * channels + channel)
                summed = like(own, 0.0)
                for number in range(k):
                    place = index[at * k + number] * channels + channel
                    one = plus(constant, times(slope, plus(load(rows, place), moved)))
                    asked = like(own, float(number))
                    chosen = both(reaches(slot, asked), reaches(asked, slot))
                    one = plus(one, where(chosen, own, like(own, 0.0)))
                    store(back, place, plus(load(back, place), one))
                    summed = plus(summed, one)
                store(address(to_centre), here, summed)
