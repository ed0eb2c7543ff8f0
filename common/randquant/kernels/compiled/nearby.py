"""Who is near a place, in clouds of points, without a matrix of distances.

Points of large clouds are put in an order in which neighbours are near one another, and a block of them whose box is
too far away is skipped. A box is never farther than its points are, not even by rounding: it goes through the same
sums.
"""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.farthest import space_order
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    bits,
    larger,
    like,
    load,
    lowest_bit,
    minus,
    plus,
    reaches,
    spread,
    store,
    times,
    times_plus,
)
from randquant.kernels.compiled.neighbours import DECIDED, MISSING, TIED

BLOCK = WIDTH  # points that are skipped together
_AROUND = 1  # blocks on either side of the nearest, which are looked at first


@compiled
def arrange(points: Any, kept: Any, blocks: int, columns: Any, order: Any, boxes: Any, first: int, last: int) -> None:
    """Bring the points of clouds `first` to `last` together.

    Args:
        points: (clouds, N, 3), finite where they are kept.
        kept: (clouds, N) bytes, 0 where a point is left out; empty where none is.
        blocks: of points that are near one another; 0 leaves them in their order.
        columns: (clouds, 3, places) coordinates, filled up with NaN; `blocks` * `BLOCK` places, if not 0.
        order: (clouds, places), the points that these are.
        boxes: (clouds, 6, blocks) lowest and highest x, y, z of each block.
        first: cloud.
        last: and the one behind the last.
    """
    held, curve = np.empty(points.shape[1], np.int64), np.empty(points.shape[1], np.int64)
    for cloud in range(first, last):
        count = 0
        for place in range(points.shape[1]):
            if len(kept) == 0 or kept[cloud, place]:
                held[count] = place
                count += 1
        if blocks and count:
            _curve(points[cloud], held[:count], curve[:count])
        for axis in range(3):
            for place in range(count, columns.shape[2]):
                columns[cloud, axis, place] = np.nan
            for block in range(blocks):
                boxes[cloud, axis, block], boxes[cloud, 3 + axis, block] = np.inf, -np.inf
        for place in range(count):
            point = held[curve[place]] if blocks else held[place]
            order[cloud, place] = point
            for axis in range(3):
                value = points[cloud, point, axis]
                columns[cloud, axis, place] = value
                if blocks:
                    block = place // BLOCK
                    boxes[cloud, axis, block] = min(boxes[cloud, axis, block], value)
                    boxes[cloud, 3 + axis, block] = max(boxes[cloud, 3 + axis, block], value)


@compiled
def _curve(points: Any, held: Any, order: Any) -> None:
    """The order along a curve through space of those points that are held."""
    some = np.empty((len(held), 3), points.dtype)
    low, span = np.empty(3), 1e-30
    for axis in range(3):
        least = most = points[held[0], axis]
        for place in range(len(held)):
            value = points[held[place], axis]
            some[place, axis], least, most = value, min(least, value), max(most, value)
        low[axis], span = least, max(span, most - least)
    space_order(some, low, span, order)


@compiled
def _squared(dx: Any, dy: Any, dz: Any, fused: bool) -> Any:
    """dx^2 + dy^2 + dz^2 as PyTorch rounds it, which depends on what it was compiled for."""
    if fused:
        return times_plus(dz, dz, times_plus(dy, dy, times(dx, dx)))
    return plus(plus(times(dx, dx), times(dy, dy)), times(dz, dz))


@compiled
def _distances(xs: Any, ys: Any, zs: Any, place: int, query: Any, fused: bool) -> Any:
    qx, qy, qz = query
    return _squared(minus(qx, load(xs, place)), minus(qy, load(ys, place)), minus(qz, load(zs, place)), fused)


@compiled
def _box_distances(boxes: Any, group: int, blocks: int, query: Any, fused: bool) -> Any:
    """To the boxes from one on."""
    qx, qy, qz = query
    low, high, none = ahead(boxes, group), ahead(boxes, 3 * blocks + group), like(qx, 0.0)
    dx = larger(larger(minus(load(low, 0), qx), minus(qx, load(high, 0))), none)
    dy = larger(larger(minus(load(low, blocks), qy), minus(qy, load(high, blocks))), none)
    dz = larger(larger(minus(load(low, 2 * blocks), qz), minus(qz, load(high, 2 * blocks))), none)
    return _squared(dx, dy, dz, fused)


@compiled
def nearest(
    queries: Any,
    columns: Any,
    order: Any,
    boxes: Any,
    sizes: Any,
    fused: bool,
    found: Any,
    doubt: Any,
    first: int,
    last: int,
) -> None:
    """The k nearest points of queries `first` to `last`, nearest first; of equally near ones the first.

    Args:
        queries: (clouds, M, 3).
        columns: as `arrange` fills them; `order` and `boxes` too.
        order: see there.
        boxes: see there.
        sizes: k, and how many points a cloud has.
        fused: see `_squared`.
        found: (clouds, M, k).
        doubt: (clouds, M), where equally near ones stand among the k + 1 nearest, and where fewer are below infinity.
        first: of all queries.
        last: and the one behind the last.
    """
    k, total = sizes
    blocks, places = boxes.shape[2], columns.shape[2]
    values, points, scratch = np.empty(k + 1, columns.dtype), np.empty(k + 1, np.int64), np.empty(WIDTH, columns.dtype)
    near = np.empty(blocks + WIDTH, columns.dtype)
    for number in range(first, last):
        cloud, row = number // queries.shape[1], number % queries.shape[1]
        place = queries[cloud, row]
        query = spread(place[0]), spread(place[1]), spread(place[2])
        cells, listed = columns[cloud], order[cloud]
        begin, end, filled = 0, places, 0
        if blocks:
            block = _nearest_block(boxes[cloud].reshape(-1), blocks, query, fused, near)
            begin, end = max(block - _AROUND, 0) * BLOCK, min(block + 1 + _AROUND, blocks) * BLOCK
        filled = _insert_some(cells, listed, begin, end, query, fused, values, points, filled, scratch)
        for group in range(0, blocks, WIDTH):
            asked = bits(reaches(spread(_limit(values, filled)), load(address(near), group)))
            while asked:
                block = group + lowest_bit(asked)
                asked &= asked - 1
                if not begin <= block * BLOCK < end and near[block] <= _limit(values, filled):
                    start = block * BLOCK
                    filled = _insert_some(
                        cells, listed, start, start + BLOCK, query, fused, values, points, filled, scratch
                    )
        doubt[cloud, row] = DECIDED if filled == k + 1 or filled == total else MISSING
        for at in range(1, filled):
            if values[at] == values[at - 1] and doubt[cloud, row] == DECIDED:
                doubt[cloud, row] = TIED
        for at in range(min(k, filled)):
            found[cloud, row, at] = points[at]


@compiled
def _limit(values: Any, filled: int) -> Any:
    """No point that is farther is wanted."""
    return values[len(values) - 1] if filled == len(values) else np.float32(np.inf)


@compiled
def _nearest_block(boxes: Any, blocks: int, query: Any, fused: bool, near: Any) -> int:
    """The block whose box is nearest; fills in the distances of all boxes."""
    for group in range(0, blocks, WIDTH):
        store(address(near), group, _box_distances(address(boxes), group, blocks, query, fused))
    block = 0
    for other in range(1, blocks):
        if near[other] < near[block]:
            block = other
    return block


@compiled
def _insert_some(
    columns: Any,
    order: Any,
    begin: int,
    end: int,
    query: Any,
    fused: bool,
    values: Any,
    points: Any,
    filled: int,
    scratch: Any,
) -> int:
    """Put the points at some places into the list of the nearest, if they are; how many it then holds."""
    xs, ys, zs = address(columns[0]), address(columns[1]), address(columns[2])
    for place in range(begin, end, WIDTH):
        distance = _distances(xs, ys, zs, place, query, fused)
        asked = bits(reaches(spread(_limit(values, filled)), distance))
        if asked:
            store(address(scratch), 0, distance)
        while asked:
            lane = lowest_bit(asked)
            asked &= asked - 1
            if scratch[lane] < np.inf:
                filled = _insert(scratch[lane], order[place + lane], values, points, filled)
    return filled


@compiled
def _insert(value: Any, point: int, values: Any, points: Any, filled: int) -> int:
    """Put a point into a list, nearest first and of equally near ones the first; how many it then holds."""
    at = filled
    if filled == len(values):
        at -= 1
        if value > values[at] or (value == values[at] and point > points[at]):
            return filled
    while at > 0 and (values[at - 1] > value or (values[at - 1] == value and points[at - 1] > point)):
        values[at], points[at] = values[at - 1], points[at - 1]
        at -= 1
    values[at], points[at] = value, point
    return min(filled + 1, len(values))


@compiled
def in_ball(queries: Any, columns: Any, limit: Any, k: int, fused: bool, found: Any, first: int, last: int) -> None:
    """The first k points not farther than the limit, a squared distance; filled up with the nearest.

    `found` is (clouds, M, k); points stand in their order, the others are as in `nearest`.
    """
    places = columns.shape[2]
    values, points, own = np.empty(1, columns.dtype), np.empty(1, np.int64), np.arange(places)
    scratch, around = np.empty(WIDTH, columns.dtype), spread(limit)
    for number in range(first, last):
        cloud, row = number // queries.shape[1], number % queries.shape[1]
        place = queries[cloud, row]
        query = spread(place[0]), spread(place[1]), spread(place[2])
        cells, into = columns[cloud], found[cloud, row]
        begin, filled = 0, 0
        while begin < places and filled < k:
            filled = _gather(cells, begin, query, fused, around, into, filled, values, points, scratch)
            begin += WIDTH
        if not filled:
            points[0] = 0
            _insert_some(cells, own, 0, places, query, fused, values, points, 0, scratch)
        for at in range(filled, k):
            into[at] = points[0]


@compiled
def _gather(
    columns: Any,
    begin: int,
    query: Any,
    fused: bool,
    around: Any,
    found: Any,
    filled: int,
    values: Any,
    points: Any,
    scratch: Any,
) -> int:
    """Put the points at `WIDTH` places into the list, if they are in the ball; how many it then holds.

    The nearest so far is kept too, where the list holds any.
    """
    distance = _distances(address(columns[0]), address(columns[1]), address(columns[2]), begin, query, fused)
    asked = bits(reaches(around, distance))
    if asked:
        store(address(scratch), 0, distance)
    while asked and filled < len(found):
        lane = lowest_bit(asked)
        asked &= asked - 1
        _insert(scratch[lane], begin + lane, values, points, min(filled, 1))
        found[filled] = begin + lane
        filled += 1
    return filled
