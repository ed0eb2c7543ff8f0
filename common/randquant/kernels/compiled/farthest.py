"""Farthest points of one cloud, sixteen at a time."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    below,
    bits,
    larger,
    like,
    load,
    lowest_bit,
    minus,
    most_of,
    plus,
    reaches,
    smaller,
    spread,
    spread_from,
    store,
    times,
)

BLOCK = 4 * WIDTH  # points that are skipped together
_DIGIT = 15  # bits of a key that are sorted by at a time
_CELLS = 2**10  # of each coordinate


@compiled
def nearer(x: Any, y: Any, z: Any, places: Any, current: int, nearest: Any) -> Any:
    """Lower squared distances to that to the current point, at places from one to another; the largest that is left.

    Args:
        x: address of coordinates.
        y: likewise.
        z: likewise.
        places: the first, and one behind the last; their number is a multiple of `WIDTH`.
        current: place of the point.
        nearest: address of squared distances.
    """
    first, last = places
    px, py, pz = spread_from(x, current), spread_from(y, current), spread_from(z, current)
    top = like(px, -3.0)
    for place in range(first, last, WIDTH):
        dx, dy, dz = minus(load(x, place), px), minus(load(y, place), py), minus(load(z, place), pz)
        distance = plus(plus(times(dx, dx), times(dy, dy)), times(dz, dz))
        lower = smaller(load(nearest, place), distance)
        store(nearest, place, lower)
        top = larger(top, lower)
    return most_of(top)


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
    xs, ys, zs, near = address(x), address(y), address(z), address(nearest)
    for step in range(count):
        chosen[step] = current
        nearest[current] = -1
        highest, current = nearer(xs, ys, zs, (0, len(x)), current, near), 0
        while nearest[current] != highest:
            current += 1


@compiled
def farthest_by_blocks(
    x: Any, y: Any, z: Any, order: Any, boxes: Any, count: int, current: int, nearest: Any, tops: Any, chosen: Any
) -> None:
    """The same, of points in another order, where a block that is too far from the new point is skipped.

    Args:
        x: (blocks * BLOCK) coordinates; the number of blocks is a multiple of `WIDTH`.
        y: likewise.
        z: likewise.
        order: likewise, the points that these are.
        boxes: (6 * blocks) lowest x, y, z and highest x, y, z of each block.
        count: of points.
        current: the place of the first of them.
        nearest: likewise, infinity; -2 where there is no point.
        tops: (blocks) infinity; -2 where there is no point.
        chosen: (count).
    """
    xs, ys, zs, near, highs = address(x), address(y), address(z), address(nearest), address(tops)
    blocks, box = len(tops), address(boxes)
    none = like(load(xs, 0), 0.0)
    for step in range(count):
        chosen[step] = order[current]
        nearest[current] = -1
        own, top = current // BLOCK, like(none, -3.0)
        px, py, pz = spread_from(xs, current), spread_from(ys, current), spread_from(zs, current)
        for group in range(0, blocks, WIDTH):
            # A box is never farther than its points are, not even by rounding: it goes through the same sums.
            low, high = ahead(box, group), ahead(box, 3 * blocks + group)
            dx = larger(larger(minus(load(low, 0), px), minus(px, load(high, 0))), none)
            dy = larger(larger(minus(load(low, blocks), py), minus(py, load(high, blocks))), none)
            dz = larger(larger(minus(load(low, 2 * blocks), pz), minus(pz, load(high, 2 * blocks))), none)
            distance = plus(plus(times(dx, dx), times(dy, dy)), times(dz, dz))
            asked = bits(below(distance, load(highs, group)))
            if group == own // WIDTH * WIDTH:
                asked |= 1 << (own - group)
            while asked:
                block = group + lowest_bit(asked)
                asked &= asked - 1
                tops[block] = nearer(xs, ys, zs, (block * BLOCK, (block + 1) * BLOCK), current, near)
            top = larger(top, load(highs, group))
        current = _first_of(highs, blocks, near, order, most_of(top))


@compiled
def _first_of(tops: Any, blocks: int, nearest: Any, order: Any, highest: Any) -> int:
    """The place of the first point, by its order, that is as far."""
    current = -1
    for group in range(0, blocks, WIDTH):
        held = bits(reaches(load(tops, group), spread(highest)))
        while held:
            block = group + lowest_bit(held)
            held &= held - 1
            for place in range(block * BLOCK, (block + 1) * BLOCK):
                if nearest[place] == highest and (current < 0 or order[place] < order[current]):
                    current = place
    return current


@compiled
def space_order(points: Any, low: Any, span: float, order: Any) -> None:
    """Put the points (N, 3) in an order in which neighbours are near one another: `order` (N).

    That of a curve through space that seldom leaps; its key has the bits of x, y and z, one of each in turn.
    """
    total = len(points)
    keys, other = np.empty(total, np.int64), np.empty(total, np.int64)
    for i in range(total):
        key = 0
        for axis in range(3):
            cell: Any = np.int64((points[i, axis] - low[axis]) / span * (_CELLS - 1))
            # The ten bits are spread, two free places after each.
            cell = (cell | cell << 16) & 0x030000FF
            cell = (cell | cell << 8) & 0x0300F00F
            cell = (cell | cell << 4) & 0x030C30C3
            cell = (cell | cell << 2) & 0x09249249
            key |= cell << axis
        keys[i], other[i] = key, i
    counts = np.empty(2**_DIGIT + 1, np.int64)
    _by_digit(keys, other, 0, counts, order)
    _by_digit(keys, order, _DIGIT, counts, other)
    order[:] = other


@compiled
def _by_digit(keys: Any, before: Any, shift: int, counts: Any, after: Any) -> None:
    """Sort places by some bits of their keys, stably."""
    mask = 2**_DIGIT - 1
    counts[:] = 0
    for i in before:
        counts[(keys[i] >> shift & mask) + 1] += 1
    for digit in range(mask):
        counts[digit + 1] += counts[digit]
    for i in before:
        digit = keys[i] >> shift & mask
        after[counts[digit]] = i
        counts[digit] += 1
