"""Farthest points of one cloud, on one CPU core: for preparing data, in many processes, without torch.

No point is chosen twice, also where points coincide, and of equally far ones the first is taken, as in
`randquant.pointcloud.points.farthest_points`, the form for batches on any device.
"""

import numpy as np
from numpy.typing import NDArray

EQUAL = 0.999999  # of the largest squared distance: as large, on whatever machine it is summed up
_FEW = 1_500  # points, up to which skipping costs more than it saves


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
    return chosen_from(points, count, _from_centroid(points))


def chosen_from(points: NDArray[np.float32], count: int, start: int) -> NDArray[np.int64]:
    """The same, (count,) from `start` on, of (N, 3) finite points."""
    return (by_lanes if len(points) <= _FEW else by_blocks)(points, count, start)


def by_lanes(points: NDArray[np.float32], count: int, start: int) -> NDArray[np.int64]:
    """The same: all distances in every step, sixteen at a time."""
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
    """The same: blocks of near points are skipped where they are farther from the new point than from earlier ones."""
    from randquant.kernels.compiled.farthest import BLOCK, WIDTH, farthest_by_blocks, space_order

    order = np.empty(len(points), dtype=np.int64)
    low = points.min(axis=0).astype(np.float64)
    span = max(float((points.max(axis=0) - low).max()), float(np.finfo(np.float32).tiny))
    space_order(points, low, span, order)
    blocks = -(-len(points) // (BLOCK * WIDTH)) * WIDTH
    held = np.arange(blocks) * BLOCK < len(points)
    order = np.concatenate([order, np.repeat(order[-1:], blocks * BLOCK - len(points))])  # the last point fills up
    columns = np.ascontiguousarray(points[order].T)
    nearest = np.full(len(order), np.inf, dtype=np.float32)
    nearest[len(points) :] = -2
    by_block = columns.reshape(3, blocks, BLOCK)
    boxes = np.concatenate([by_block.min(axis=2), by_block.max(axis=2)])
    tops = np.where(held, np.float32(np.inf), np.float32(-2))
    chosen = np.empty(count, dtype=np.int64)
    current = int((order == start).argmax())
    farthest_by_blocks(*columns, order, boxes.ravel(), count, current, nearest, tops, chosen)
    return chosen


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
