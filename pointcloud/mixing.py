"""How clouds are mixed: by subsets of points, by balls, or by interpolation after an assignment.

The i-th points of two clouds have nothing to do with each other, so that averages of them would mean nothing. Mixed
clouds have neighbourhoods of their own: those found beforehand are dropped, and the encoder finds its own.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from randquant.blend import Blend, MixKind, Slots
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropped_points import kept_slots
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.geometry import group, squared_distances
from randquant.pointcloud.points.layout import Layout
from randquant.pointcloud.settings import PointMix
from randquant.views import View

GOLDEN = (5.0**0.5 - 1.0) / 2.0  # its multiples, modulo 1, fill the unit interval evenly
MOST_ASSIGNED = 1024  # points of a cloud; an assignment takes the cube of them


class SubsetMix(Blend):
    """Some points of one cloud and the rest of the other: the share is that of the points, counted. O(N).

    Clouds of one size, at random; or packed ones: of n and m points w n and (1 - w) m, which fits clouds of any size.
    """

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> Tensor:
        """An order of the slots (B, N) int64; of packed clouds, where a sequence starts in each (2, S)."""
        if isinstance(x, PackedBatch):
            return torch.rand(2, len(x), device=x.rows.device, generator=generator)
        return Slots().make_params(_clouds(x).points, generator=generator)

    def transform(
        self, x: View, other: View, weight: Tensor, params: Tensor
    ) -> tuple[CloudBatch | PackedBatch, Tensor]:
        """Blend clouds."""
        if isinstance(x, PackedBatch) and isinstance(other, PackedBatch):
            return _packed_subsets(x, other, weight, params)
        one, two = _clouds(x), _clouds(other)
        count = one.points.shape[1]
        stays = params < (weight * count).round()[:, None]
        points = torch.where(stays[..., None], one.points, two.points)
        kept = torch.where(stays, one.genuine, two.genuine)
        total = kept.sum(dim=1)
        own = (kept & stays).sum(dim=1) / total.clamp(min=1)
        return CloudBatch(points, None, kept), torch.where(total > 0, own, weight)


class BallParams(NamedTuple):
    """One draw of `BallMix`: a number (B,) in [0, 1) that says which point the ball is around."""

    centre: Tensor


class BallMix(Blend):
    """What lies next to a place comes from the other cloud: a ball of it instead of a ball of this one.

    The place is a random point of the cloud; the nearest points of each to it are exchanged, where they are.

    Source: after PointCutMix, Zhang et al., arXiv 2101.01461.
    """

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> BallParams:
        """Draw the places."""
        points = _clouds(x).points
        return BallParams(torch.rand(len(points), device=points.device, generator=generator))

    def transform(self, x: View, other: View, weight: Tensor, params: BallParams) -> tuple[CloudBatch, Tensor]:
        """Blend (B, N, C)."""
        one, two = _clouds(x), _clouds(other)
        genuine = one.genuine
        count = genuine.sum(dim=1).clamp(min=1)
        kept_first = genuine.to(torch.int8).argsort(dim=1, descending=True, stable=True)
        chosen = kept_first.gather(1, (params.centre * count).long().minimum(count - 1)[:, None])
        centre = group(one.points[..., :3], chosen)
        near_one, near_two = (
            squared_distances(centre, each.points[..., :3])[:, 0].masked_fill(~each.genuine, torch.inf).argsort(dim=1)
            for each in (one, two)
        )
        taken = ((1.0 - weight) * count).floor()
        rank = near_one.argsort(dim=1)
        leaves = rank < taken[:, None]
        source = near_two.gather(1, rank)
        points = torch.where(leaves[..., None], group(two.points, source), one.points)
        kept = torch.where(leaves, two.genuine.gather(1, source), genuine)
        own = (kept & ~leaves).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
        return CloudBatch(points, None, kept), own


class AssignmentMix(Blend):
    """Points are moved part of the way to those of the other cloud, matched so that all ways together are shortest.

    Matched on the host, cloud by cloud, so it is slow; at most 1,024 points. Normals are averaged and made unit again.

    Args:
        layout: of the columns.

    Source: PointMixup, Chen et al., ECCV 2020.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def transform(self, x: View, other: View, weight: Tensor, params: None) -> tuple[CloudBatch, Tensor]:
        """Blend (B, N, C)."""
        with needs("train"):
            from scipy.optimize import linear_sum_assignment

        one, two = _clouds(x), _clouds(other)
        if one.points.shape[1] > MOST_ASSIGNED:
            raise UsageError(
                f"--mix_points assignment takes clouds of at most {MOST_ASSIGNED:,} points, got "
                f"{one.points.shape[1]:,}; lower --points or give subset."
            )
        target = two.points if two.kept is None else group(two.points, kept_slots(two.kept))
        costs = squared_distances(one.points[..., :3], target[..., :3]).cpu().numpy()
        match = torch.stack([torch.from_numpy(linear_sum_assignment(cost)[1]) for cost in costs])
        target, share = group(target, match.to(target.device)), weight[:, None, None]
        mixed = share * one.points + (1.0 - share) * target
        if self.layout.normals is not None:
            unit = F.normalize(mixed[..., self.layout.normals], dim=-1)
            mixed = torch.where(share == 1.0, mixed, _with(mixed, self.layout.normals, unit))
        return CloudBatch(mixed, None, one.kept), weight


def cloud_blend(kind: MixKind, *, how: PointMix, layout: Layout, packed: bool) -> Blend:
    """How clouds are mixed: by balls for cutmix, else by subsets or by assignment.

    Raises:
        UsageError: clouds of any size by other than subsets.
    """
    if packed and (kind == "cutmix" or how != "subset"):
        raise UsageError(
            "--points any mixes subsets of points alone; give --mix mixup --mix_points subset, or --points a number."
        )
    if kind == "cutmix":
        return BallMix()
    return SubsetMix() if how == "subset" else AssignmentMix(layout)


def _clouds(view: View) -> CloudBatch:
    if isinstance(view, CloudBatch):
        return view
    if isinstance(view, PackedBatch):
        raise UsageError("packed clouds are mixed by subsets of points alone.")
    parts = view if isinstance(view, tuple) else (view,)
    return CloudBatch(*parts)  # type: ignore[arg-type]


def _with(points: Tensor, columns: slice, values: Tensor) -> Tensor:
    changed = points.clone()
    changed[..., columns] = values
    return changed


def _packed_subsets(x: PackedBatch, other: PackedBatch, weight: Tensor, params: Tensor) -> tuple[PackedBatch, Tensor]:
    """Points of both clouds, one at least of the first, spread over their order."""
    parts = []
    for clouds, most, start in zip(
        (x, other),
        ((weight * x.offsets.diff()).ceil(), ((1.0 - weight) * other.offsets.diff()).floor()),
        params.double(),
        strict=True,
    ):
        places = torch.arange(len(clouds.rows), device=weight.device)
        within = places - clouds.offsets[clouds.cloud]
        numbers = (within * GOLDEN + start[clouds.cloud]) % 1.0
        order = numbers.argsort()
        order = order[clouds.cloud[order].argsort(stable=True)]
        rank = torch.empty_like(order).scatter_(0, order, within)
        parts.append(clouds.only(rank < most[clouds.cloud]))
    one, two = parts
    cloud = torch.cat([one.cloud, two.cloud])
    sizes = one.offsets.diff() + two.offsets.diff()
    rows = torch.cat([one.rows, two.rows])[cloud.argsort(stable=True)]
    return PackedBatch(rows, F.pad(sizes.cumsum(0), (1, 0))), one.offsets.diff() / sizes
