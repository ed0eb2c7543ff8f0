"""Clouds in parts of about the same number of points, each spread over the cloud.

A sparse cloud has few parts, and much of what its embedding misses is chance: which points fell into the same part. So
it is dealt several times, until there are `FEWEST` parts.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.points.geometry import unit_sphere, unit_spheres
from randquant.pointcloud.points.segment import segment_reduce

FEWEST = 8  # parts of a cloud that is dealt at all


def number_of_parts(size: int, part: int) -> int:
    """Of a cloud of `size` points: as many as make parts of nearly `part` points, at least one.

    >>> [number_of_parts(size, 128) for size in (5, 128, 191, 192, 512, 8192)]
    [1, 1, 1, 2, 4, 64]
    """
    return max(1, (2 * size + part) // (2 * part))


def deals(size: int, parts: int) -> list[Tensor]:
    """Orders (size,) int64 in which a cloud is dealt into `parts` parts: its own, then others while parts are few.

    In another order the points of each round are shuffled, always in the same way. One part is dealt once.
    """
    orders = [torch.arange(size)]
    for deal in range(1, -(-FEWEST // parts) if parts > 1 else 1):
        places = np.arange(size) // parts + np.random.default_rng(deal).random(size)
        orders.append(torch.from_numpy(places.argsort(kind="stable")))
    return orders


def in_parts(points: Tensor, parts: int) -> Tensor:
    """Parts of clouds of one size, each in the unit sphere.

    Part i of a deal holds its points i, i + parts, i + 2 parts, ...: where points lie in farthest-point order, every
    part is spread over the cloud, and so is the beginning of each.

    Args:
        points: (B, N, C), coordinates first.
        parts: a divisor of N.

    Returns:
        (B, deals parts, N / parts, C).
    """
    orders = [order.to(points.device) for order in deals(points.shape[1], parts)]
    dealt = [points.index_select(1, order).unflatten(1, (-1, parts)).transpose(1, 2) for order in orders]
    taken = torch.cat(dealt, dim=1)
    return torch.cat([unit_sphere(taken[..., :3]), taken[..., 3:]], dim=-1)


def mean_of_parts(embed: Callable[[PackedBatch], Tensor], clouds: PackedBatch, part: int) -> Tensor:
    """The mean (S, D) of what `embed` makes of the parts of clouds of any size (ΣN, C), taken as by `in_parts`."""
    each = [_dealt(cloud, number_of_parts(len(cloud), part)) for cloud in clouds.split()]
    parts = PackedBatch.of([taken for dealt in each for taken in dealt])
    scaled = torch.cat([unit_spheres(parts.with_rows(parts.rows[:, :3])), parts.rows[:, 3:]], dim=1)
    offsets = torch.tensor([0, *map(len, each)], device=scaled.device).cumsum(0)
    return segment_reduce(embed(parts.with_rows(scaled)), offsets, "mean")


def _dealt(cloud: Tensor, parts: int) -> list[Tensor]:
    """All parts of all deals of one cloud (N, C)."""
    orders = [order.to(cloud.device) for order in deals(len(cloud), parts)]
    return [cloud[order[first::parts]] for order in orders for first in range(parts)]
