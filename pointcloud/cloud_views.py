"""From raw batches of stored clouds to augmented views."""

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from pointcloud.augment.policy import PointPolicy
from pointcloud.cloud_batch import CloudBatch
from pointcloud.geometry import unit_sphere, unit_spheres
from pointcloud.stored_clouds import Finder
from randquant.packed import PackedBatch


class CloudViews(nn.Module):
    """Raw subsets -> augmented clouds; view i is made from subset i, or all from the only one.

    Args:
        policies: of each view.
        find: coordinates (B, N, 3) -> neighbourhoods (B, M, k) of clean clouds, for batches that come without.
    """

    def __init__(self, policies: Sequence[PointPolicy], find: Finder | None = None) -> None:
        super().__init__()
        self.policies = nn.ModuleList(policies)
        self.find = find

    def forward(self, batch: Tensor | tuple[Tensor, Tensor], *, generator: torch.Generator) -> list[CloudBatch]:
        """Views of points (V, B, N, C), with neighbourhoods (V, B, M, k) or without."""
        points, neighbours = batch if isinstance(batch, tuple) else (batch, None)
        points = torch.cat([unit_sphere(points[..., :3]), points[..., 3:]], dim=-1)
        if neighbours is None and self.find is not None:
            neighbours = torch.stack([self.find(clouds[..., :3]) for clouds in points])
        views = []
        for number, policy in enumerate(self.policies):
            which = number % len(points)
            clean = CloudBatch(points[which], None if neighbours is None else neighbours[which].long())
            views.append(policy(clean, generator=generator))
        return views


class PackedViews(nn.Module):
    """Clouds of any size -> augmented ones, without the points that are dropped; view i is made from subset i.

    Args:
        policies: of each view.
    """

    def __init__(self, policies: Sequence[PointPolicy]) -> None:
        super().__init__()
        self.policies = nn.ModuleList(policies)

    def forward(self, batch: tuple[Tensor, ...], *, generator: torch.Generator) -> list[PackedBatch]:
        """Views of rows (ΣN, C) and offsets (B + 1,), of one subset of the clouds or one after the other of several."""
        subsets = [PackedBatch(rows, offsets) for rows, offsets in zip(batch[::2], batch[1::2], strict=True)]
        clean = [clouds.with_rows(in_unit_spheres(clouds)) for clouds in subsets]
        return [
            policy.augment_packed(clean[number % len(clean)], generator=generator)
            for number, policy in enumerate(cast(Iterable[PointPolicy], self.policies))
        ]


def in_unit_spheres(clouds: PackedBatch) -> Tensor:
    """Rows (ΣN, C) whose coordinates are those of each cloud in its unit sphere."""
    return torch.cat([unit_spheres(clouds.with_rows(clouds.rows[:, :3])), clouds.rows[:, 3:]], dim=1)
