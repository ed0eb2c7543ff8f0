"""Clouds in parts of about the same number of points, each spread over the cloud."""

from collections.abc import Callable

import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.points.geometry import unit_sphere, unit_spheres
from randquant.pointcloud.points.segment import segment_reduce


def number_of_parts(size: int, part: int) -> int:
    """Of a cloud of `size` points: as many as make parts of nearly `part` points, at least one.

    >>> [number_of_parts(size, 128) for size in (5, 128, 191, 192, 512, 8192)]
    [1, 1, 1, 2, 4, 64]
    """
    return max(1, (2 * size + part) // (2 * part))


def in_parts(points: Tensor, parts: int) -> Tensor:
    """Parts of clouds of one size, each in the unit sphere.

    Part i holds the points i, i + parts, i + 2 parts, ...: where points lie in farthest-point order, every part is
    spread over the cloud, and so is the beginning of each.

    Args:
        points: (B, N, C), coordinates first.
        parts: a divisor of N.

    Returns:
        (B parts, N / parts, C), cloud after cloud.
    """
    taken = points.unflatten(1, (-1, parts)).transpose(1, 2).flatten(0, 1)
    return torch.cat([unit_sphere(taken[..., :3]), taken[..., 3:]], dim=-1)


def mean_of_parts(embed: Callable[[PackedBatch], Tensor], clouds: PackedBatch, part: int) -> Tensor:
    """The mean (S, D) of what `embed` makes of the parts of clouds of any size (ΣN, C), taken as by `in_parts`."""
    counts = [number_of_parts(size, part) for size in clouds.sizes]
    pairs = zip(clouds.split(), counts, strict=True)
    parts = PackedBatch.of([cloud[first::count] for cloud, count in pairs for first in range(count)])
    scaled = torch.cat([unit_spheres(parts.with_rows(parts.rows[:, :3])), parts.rows[:, 3:]], dim=1)
    offsets = torch.tensor([0, *counts], device=scaled.device).cumsum(0)
    return segment_reduce(embed(parts.with_rows(scaled)), offsets, "mean")
