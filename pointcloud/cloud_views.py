"""From raw batches of stored clouds to augmented views."""

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.policy import PointPolicy
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.geometry import unit_sphere, unit_spheres
from randquant.pointcloud.stored_clouds import Finder
from randquant.views import View, ViewSet


class CloudViews(nn.Module):
    """Raw subsets -> augmented clouds; view i is made from subset i modulo their number, local ones likewise.

    Args:
        policies: of each view.
        find: coordinates (B, N, 3) -> neighbourhoods (B, M, k) of clean clouds, for batches that come without.
        local: policies of the local views, for which neighbourhoods found beforehand do not hold.
    """

    def __init__(
        self, policies: Sequence[PointPolicy], find: Finder | None = None, local: Sequence[PointPolicy] = ()
    ) -> None:
        super().__init__()
        self.policies, self.local = nn.ModuleList(policies), nn.ModuleList(local)
        self.find = find

    def forward(self, batch: Tensor | tuple[Tensor, Tensor], *, generator: torch.Generator) -> list[View] | ViewSet:
        """Views of points (V, B, N, C), with neighbourhoods (V, B, M, k) or without."""
        points, neighbours = batch if isinstance(batch, tuple) else (batch, None)
        points = torch.cat([unit_sphere(points[..., :3]), points[..., 3:]], dim=-1)
        if neighbours is None and self.find is not None:
            neighbours = torch.stack([self.find(clouds[..., :3]) for clouds in points])
        views: list[View] = []
        for number, policy in enumerate(self.policies):
            which = number % len(points)
            clean = CloudBatch(points[which], None if neighbours is None else neighbours[which].long())
            views.append(policy(clean, generator=generator))
        local: list[View] = [
            policy(CloudBatch(points[number % len(points)]), generator=generator)
            for number, policy in enumerate(self.local)
        ]
        return ViewSet(views, local) if local else views


class PackedViews(nn.Module):
    """Clouds of any size -> augmented ones, without the points that are dropped; view i is made from subset i modulo
    their number, local ones likewise.

    Args:
        policies: of each view.
        local: policies of the local views.
    """

    def __init__(self, policies: Sequence[PointPolicy], local: Sequence[PointPolicy] = ()) -> None:
        super().__init__()
        self.policies, self.local = nn.ModuleList(policies), nn.ModuleList(local)

    def forward(self, batch: tuple[Tensor, ...], *, generator: torch.Generator) -> list[PackedBatch] | ViewSet:
        """Views of rows (ΣN, C) and offsets (B + 1,), of one subset of the clouds or one after the other of several."""
        subsets = [PackedBatch(rows, offsets) for rows, offsets in zip(batch[::2], batch[1::2], strict=True)]
        clean = [clouds.with_rows(in_unit_spheres(clouds)) for clouds in subsets]
        views, local = (
            [
                policy.augment_packed(clean[number % len(clean)], generator=generator)
                for number, policy in enumerate(cast(Iterable[PointPolicy], policies))
            ]
            for policies in (self.policies, self.local)
        )
        return ViewSet(list(views), list(local)) if local else views


def in_unit_spheres(clouds: PackedBatch) -> Tensor:
    """Rows (ΣN, C) whose coordinates are those of each cloud in its unit sphere."""
    return torch.cat([unit_spheres(clouds.with_rows(clouds.rows[:, :3])), clouds.rows[:, 3:]], dim=1)
