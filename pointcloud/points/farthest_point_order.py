"""Farthest points of one cloud, on one CPU core: for preparing data, in many processes, without torch.

No point is chosen twice, also where points coincide, and of equally far ones the first is taken, as in
`randquant.pointcloud.points.farthest_points`, the form for batches on any device.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

EQUAL = 0.999999  # of the largest squared distance: as large, on whatever machine it is summed up
_BLOCK = 32  # points that are skipped together
_FEW = 12_000  # points, up to which skipping costs more than it saves
_BITS = 10  # of each coordinate in the key that blocks are made by


def farthest_point_order(points: NDArray, count: int | None = None) -> NDArray[np.int64]:
    """Farthest points of one cloud, fast on one CPU core: compiled by numba, some seconds in the first run of all.

    A newly chosen point changes nothing for points that are nearer to an earlier one. So near points are put into
    blocks, and a block is skipped where its bounding box is farther from the new point than each of its points is
    from the chosen ones (the idea of Han et al. 2023, "QuickFPS", with a space-filling curve instead of a tree).

    Args:
        points: (N, 3) finite coordinates.
        count: how many, 1 to N; all where None.

    Returns:
        (count,) int64 indices in the order of choice.

    Raises:
        ValueError: `count` is outside [1, N].
    """
    count = len(points) if count is None else count
    check_count(count, len(points))
    points = np.ascontiguousarray(points, dtype=np.float32)
    if len(points) <= _FEW:
        return by_lanes(points, count, _from_centroid(points))
    return by_blocks(points, count, _from_centroid(points))


def by_lanes(points: NDArray[np.float32], count: int, start: int) -> NDArray[np.int64]:
    """The same, (count,) from `start` on, of (N, 3) finite points: all distances in every step, sixteen at a time."""
    from randquant.kernels.compiled.farthest import WIDTH, farthest

    total = -(-len(points) // WIDTH) * WIDTH
    columns = np.zeros((3, total), dtype=np.float32)
    columns[:, : len(points)] = points.T
    nearest = np.full(total, np.inf, dtype=np.float32)
    nearest[len(points) :] = -2
    chosen = np.empty(count, dtype=np.int64)
    farthest(*columns, count, start, nearest, chosen)
    return chosen


def by_blocks(points: NDArray[np.float32], count: int, start: int) -> NDArray[np.int64]:
    """The same; blocks of near points are skipped where they are farther from the new point than from earlier ones."""
    order = np.argsort(_morton_key(points), kind="stable")
    columns = np.ascontiguousarray(points[order].T)
    edges = np.arange(0, len(points), _BLOCK)
    boxes = np.minimum.reduceat(columns, edges, axis=1), np.maximum.reduceat(columns, edges, axis=1)
    return order[_compiled()(columns, *boxes, order, count, int((order == start).argmax()))]


def check_count(count: int, total: int) -> None:
    """Refuse a count that is outside [1, total].

    Raises:
        ValueError: it is.
    """
    if not 1 <= count <= total:
        raise ValueError(f"count should be between 1 and the {total} points, got {count}")


def _from_centroid(points: NDArray[np.float32]) -> int:
    """The index of the point farthest from the centroid; the first of those that rounding may have set apart."""
    exact = points.astype(np.float64)
    square = np.square(exact - exact.mean(axis=0)).sum(axis=1)
    return int((square >= EQUAL * square.max()).argmax())


def _morton_key(points: NDArray[np.float32]) -> NDArray[np.uint32]:
    """(N,) places on a curve through space that seldom leaps: the bits of x, y and z, one of each in turn."""
    low = points.min(axis=0)
    span = max(float((points.max(axis=0) - low).max()), float(np.finfo(np.float32).tiny))
    cells = ((points - low) / span * (2**_BITS - 1)).astype(np.uint32)
    key = np.zeros(len(points), dtype=np.uint32)
    for bit in range(_BITS):
        for axis in range(3):
            key |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return key


@cache
def _compiled() -> Callable[..., NDArray[np.int64]]:
    import numba

    return numba.njit(cache=True)(_chosen)


def _chosen(
    columns: NDArray[np.float32],
    lows: NDArray[np.float32],
    highs: NDArray[np.float32],
    order: NDArray[np.int64],
    count: int,
    current: int,
) -> NDArray[np.int64]:
    """(count,) columns in the order of choice, from (3, N) coordinates and the boxes (3, blocks) of each block.

    A box is never farther than its points are, not even by rounding: it goes through the same sums.
    """
    x, y, z = columns[0], columns[1], columns[2]
    total, blocks, none = len(x), lows.shape[1], np.float32(0)
    nearest = np.full(total, np.inf, dtype=np.float32)  # squared distance to the chosen points; -1 of these themselves
    farthest = np.full(blocks, np.inf, dtype=np.float32)  # of each block's points
    chosen = np.empty(count, dtype=np.int64)
    for step in range(count):
        chosen[step] = current
        nearest[current] = -1
        px, py, pz = x[current], y[current], z[current]
        for block in range(blocks):
            dx = max(lows[0, block] - px, px - highs[0, block], none)
            dy = max(lows[1, block] - py, py - highs[1, block], none)
            dz = max(lows[2, block] - pz, pz - highs[2, block], none)
            if dx * dx + dy * dy + dz * dz >= farthest[block] and block != current // _BLOCK:
                continue
            top = np.float32(-1)
            for place in range(block * _BLOCK, min((block + 1) * _BLOCK, total)):
                dx, dy, dz = x[place] - px, y[place] - py, z[place] - pz
                nearest[place] = min(nearest[place], dx * dx + dy * dy + dz * dz)
                top = max(top, nearest[place])
            farthest[block] = top
        top, first = farthest.max(), total
        for block in range(blocks):
            if farthest[block] == top:
                for place in range(block * _BLOCK, min((block + 1) * _BLOCK, total)):
                    if nearest[place] == top and order[place] < first:
                        current, first = place, order[place]
    return chosen
