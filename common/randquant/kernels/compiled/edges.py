"""Edges from neighbours to the points around which they lie; clouds `first` to `last` are done at a call.

Arrays are 1-D. Edge e of point i, starts[i] <= e < starts[i + 1], is near[sources[e]] + centre[i] by channel, and
counts weights[e] times.
"""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    in_double,
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
def distinct(index: Any, points: int, rows: int, sources: Any, starts: Any, weights: Any) -> int:
    """Edges of places in a cloud (all points, k), where those that repeat the last one become one that counts more.

    Args:
        index: places.
        points: of a cloud that have neighbours.
        rows: of a cloud.
        sources: (entries) of the index: filled with rows of the batch.
        starts: (all points + 1).
        weights: (entries).

    Returns:
        how many edges there are.
    """
    k, count = index.shape[1], 0
    for point in range(len(index)):
        starts[point] = count
        before, last, size = (point // points) * rows, index[point, k - 1], k
        while size > 1 and index[point, size - 2] == last:
            size -= 1
        at = 0
        while index[point, at] != last:
            at += 1
        for number in range(at + 1 if at == size - 1 else size - 1):
            sources[count] = before + index[point, number]
            weights[count] = 1 + k - size if number == at else 1
            if number == at and at < size - 1:
                weights[count] += 1
            count += 1
    starts[len(index)] = count
    return count


@compiled
def add_moments(sums: Any, place: int, channels: int, total: Any, squares: Any) -> None:
    """Add what a point's edges, and their squares, sum up to in single precision to sums in double precision."""
    store(address(sums), place, plus(load(address(sums), place), in_double(total)))
    other = place + channels
    store(address(sums), other, plus(load(address(sums), other), in_double(squares)))


@compiled
def moments(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    shift: Any,
    sizes: Any,
    sums: Any,
    first: int,
    last: int,
) -> None:
    """The sum of all edges, and of their squares, once `shift` (C) is taken from them.

    Args:
        near: (rows * C).
        sources: (edges) rows.
        starts: (points + 1).
        weights: (edges).
        centre: (points * C).
        shift: (C).
        sizes: points of a cloud, C.
        sums: (clouds * 2 * C) float64, zeros before.
        first: cloud.
        last: and the one behind the last.
    """
    points, channels = sizes
    for cloud in range(first, last):
        for at in range(cloud * points, (cloud + 1) * points):
            for channel in range(0, channels, WIDTH):
                moved = minus(load(address(centre), at * channels + channel), load(address(shift), channel))
                total, squares = like(moved, 0.0), like(moved, 0.0)
                for edge in range(starts[at], starts[at + 1]):
                    value = plus(load(address(near), sources[edge] * channels + channel), moved)
                    weighted = times(value, spread_from(address(weights), edge))
                    total, squares = plus(total, weighted), plus(squares, times(weighted, value))
                add_moments(sums, 2 * cloud * channels + channel, channels, total, squares)


@compiled
def moments_backward(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    per_channel: Any,
    sizes: Any,
    to_near: Any,
    to_centre: Any,
    first: int,
    last: int,
) -> None:
    """The reverse of mean and variance: per_channel[1] + per_channel[2] * (edge - per_channel[0]), (3 * C), an edge.

    `to_near` is zero before.
    """
    points, channels = sizes
    for cloud in range(first, last):
        for at in range(cloud * points, (cloud + 1) * points):
            for channel in range(0, channels, WIDTH):
                moved = minus(load(address(centre), at * channels + channel), load(address(per_channel), channel))
                constant = load(address(per_channel), channels + channel)
                slope = load(address(per_channel), 2 * channels + channel)
                summed = like(moved, 0.0)
                for edge in range(starts[at], starts[at + 1]):
                    place = sources[edge] * channels + channel
                    one = plus(constant, times(slope, plus(load(address(near), place), moved)))
                    one = times(one, spread_from(address(weights), edge))
                    store(address(to_near), place, plus(load(address(to_near), place), one))
                    summed = plus(summed, one)
                store(address(to_centre), at * channels + channel, summed)


@compiled
def normed(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    norm: Any,
    sizes: Any,
    out: Any,
    first: int,
    last: int,
) -> None:
    """What of each edge's (edge - norm[0]) * norm[1] + norm[2], (3 * C), is above zero: (edges * C)."""
    points, channels = sizes
    for at in range(first * points, last * points):
        for channel in range(0, channels, WIDTH):
            moved = minus(load(address(centre), at * channels + channel), load(address(norm), channel))
            scale, bias = load(address(norm), channels + channel), load(address(norm), 2 * channels + channel)
            zero = like(moved, 0.0)
            for edge in range(starts[at], starts[at + 1]):
                value = plus(load(address(near), sources[edge] * channels + channel), moved)
                value = plus(times(value, scale), bias)
                store(address(out), edge * channels + channel, where(reaches(zero, value), zero, value))


@compiled
def normed_backward(
    near: Any,
    sources: Any,
    starts: Any,
    weights: Any,
    centre: Any,
    norm: Any,
    out: Any,
    gradient: Any,
    sizes: Any,
    to_near: Any,
    to_centre: Any,
    sums: Any,
    first: int,
    last: int,
) -> None:
    """The reverse of a gradient (edges * C), and in `sums` (clouds * 2 * C) that of the bias and of the scale.

    `to_near` and `sums` are zero before.
    """
    points, channels = sizes
    for cloud in range(first, last):
        for at in range(cloud * points, (cloud + 1) * points):
            for channel in range(0, channels, WIDTH):
                moved = minus(load(address(centre), at * channels + channel), load(address(norm), channel))
                scale, zero = load(address(norm), channels + channel), like(moved, 0.0)
                summed, of_scale = zero, zero
                for edge in range(starts[at], starts[at + 1]):
                    place, row = sources[edge] * channels + channel, edge * channels + channel
                    one = where(reaches(zero, load(address(out), row)), zero, load(address(gradient), row))
                    of_scale = plus(of_scale, times(one, plus(load(address(near), place), moved)))
                    summed = plus(summed, one)
                    store(address(to_near), place, plus(load(address(to_near), place), times(one, scale)))
                store(address(to_centre), at * channels + channel, times(summed, scale))
                add_moments(sums, 2 * cloud * channels + channel, channels, summed, of_scale)
