"""Farthest points of one cloud, sixteen at a time."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    larger,
    like,
    load,
    minus,
    most_of,
    plus,
    smaller,
    spread_from,
    store,
    times,
)


@compiled
def farthest(x: Any, y: Any, z: Any, count: int, current: int, nearest: Any, chosen: Any) -> None:
    """Farthest points in the order of choice, from `current` on; of equally far ones the first.

    Args:
        x: (N) coordinates, N a multiple of `WIDTH`; finite.
        y: likewise.
        z: likewise.
        count: of points.
        current: the first of them.
        nearest: (N) infinity; -2 where there is no point.
        chosen: (count).
    """
    total = len(x)
    xs, ys, zs, near = address(x), address(y), address(z), address(nearest)
    for step in range(count):
        chosen[step] = current
        px, py, pz = spread_from(xs, current), spread_from(ys, current), spread_from(zs, current)
        nearest[current] = -1
        top = like(load(near, 0), -3.0)
        for place in range(0, total, WIDTH):
            dx, dy, dz = minus(load(xs, place), px), minus(load(ys, place), py), minus(load(zs, place), pz)
            distance = plus(plus(times(dx, dx), times(dy, dy)), times(dz, dz))
            lower = smaller(load(near, place), distance)
            store(near, place, lower)
            top = larger(top, lower)
        highest, current = most_of(top), 0
        while nearest[current] != highest:
            current += 1
