"""Farthest points: chosen one after another, each the farthest from all chosen before (Eldar et al. 1997).

No point is chosen twice, also where points coincide, and of equally far ones the first is taken, so both forms and the
definition give the same order. The torch form takes a batch on any device; the other one cloud on one CPU core, for
preparing data.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_EQUAL = 0.999999  # of the largest squared distance: as large, on whatever machine it is summed up
_BLOCK = 32  # points that are skipped together
_BITS = 10  # of each coordinate in the key that blocks are made by


def farthest_point_sampling(points: Tensor, count: int, *, start: Tensor | None = None) -> Tensor:
    """Farthest points of a batch.

    Args:
        points: (B, N, 3) coordinates.
        count: how many, 1 to N.
        start: (B,) index of the first point; where None, the point farthest from the centroid.

    Returns:
        (B, count) int64 indices in the order of choice.

    Raises:
        ValueError: `count` is outside [1, N].
    """
    if torch.compiler.is_exporting():
        return _scanned(points.float(), count, _from_centroid(points) if start is None else start)
    _check_count(count, points.shape[-2])
    x, y, z = points.float().unbind(-1)
    nearest = torch.full_like(x, torch.inf)
    chosen = torch.empty(len(points), count, dtype=torch.int64, device=points.device)
    current = _from_centroid(points.float()) if start is None else start
    for step in range(count):
        index = current[:, None]
        chosen[:, step] = current
        dx, dy, dz = x - x.gather(1, index), y - y.gather(1, index), z - z.gather(1, index)
        nearest = torch.minimum(nearest, dx * dx + dy * dy + dz * dz)
        nearest.scatter_(1, index, -1.0)
        current = nearest.argmax(dim=1)
    return chosen


def _scanned(points: Tensor, count: int, start: Tensor) -> Tensor:
    """`farthest_point_sampling` as one loop of an exported graph, for clouds of any size (B, N, 3)."""
    from torch._higher_order_ops.scan import scan

    x, y, z = (column.clone() for column in points.unbind(-1))  # the loop takes no views of one tensor
    slots = torch.arange(points.shape[1], device=points.device)

    def step(carried: list[Tensor], _: Tensor) -> tuple[list[Tensor], Tensor]:
        nearest, current = carried
        index = current[:, None]
        dx, dy, dz = x - x.gather(1, index), y - y.gather(1, index), z - z.gather(1, index)
        nearest = torch.minimum(nearest, dx * dx + dy * dy + dz * dz)
        nearest = torch.where(slots == index, -1.0, nearest)
        return [nearest, nearest.argmax(dim=1)], current.clone()

    _, chosen = scan(step, [torch.full_like(x, torch.inf), start], torch.arange(count, device=points.device))
    return chosen.T


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
    _check_count(count, len(points))
    points = np.ascontiguousarray(points, dtype=np.float32)
    order = np.argsort(_morton_key(points), kind="stable")
    columns = np.ascontiguousarray(points[order].T)
    edges = np.arange(0, len(points), _BLOCK)
    boxes = np.minimum.reduceat(columns, edges, axis=1), np.maximum.reduceat(columns, edges, axis=1)
    start = int(_from_centroid(torch.from_numpy(points)[None]))
    return order[_compiled()(columns, *boxes, order, count, int((order == start).argmax()))]


def _check_count(count: int, total: int) -> None:
    if not 1 <= count <= total:
        raise ValueError(f"count should be between 1 and the {total} points, got {count}")


def _from_centroid(points: Tensor) -> Tensor:
    """(B,) index of the point farthest from the centroid; the first of those that rounding may have set apart."""
    offset = points.double() - points.double().mean(dim=1, keepdim=True)
    square = offset.square().sum(-1)
    return (square >= _EQUAL * square.amax(dim=1, keepdim=True)).byte().argmax(dim=1)


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
