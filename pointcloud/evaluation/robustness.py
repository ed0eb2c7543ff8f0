"""The changes of test shapes a classifier of clean ones is asked about: sparse, jittered, rotated, uneven, coarse."""

import math

import torch
from torch import Tensor

from randquant.data.store import Store
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.pointcloud.points.layout import Layout
from randquant.probes.conditions import corruption
from randquant.probes.conditions.corruption import CorruptionKind


def dropout(cloud: Tensor, share: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) without a random `share` of its points; at least one is left."""
    kept = max(1, round(len(cloud) * (1 - share)))
    return cloud[torch.randperm(len(cloud), generator=generator)[:kept].sort().values]


def jitter(cloud: Tensor, deviation: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) with normal noise on the coordinates, in units of the shape's radius; normals stay."""
    noise = deviation * torch.randn(len(cloud), 3, generator=generator)
    return torch.cat([cloud[:, :3] + noise, cloud[:, 3:]], dim=1)


def rotation_up(cloud: Tensor, degrees: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) turned about the up axis by an angle within ± `degrees`; normals turn too."""
    axis = torch.tensor([0.0, 0.0, 1.0])
    return _turned(cloud, axis, _angle(degrees, generator), layout)


def rotation_any(cloud: Tensor, degrees: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) turned about a random axis by an angle within ± `degrees`; at 180, uniformly from SO(3)."""
    if degrees < 180:
        axis = torch.randn(3, generator=generator)
        return _turned(cloud, axis / axis.norm(), _angle(degrees, generator), layout)
    quaternion = torch.randn(4, generator=generator)
    quaternion = quaternion / quaternion.norm()
    axis = quaternion[1:] / quaternion[1:].norm()
    return _turned(cloud, axis, 2 * torch.atan2(quaternion[1:].norm(), quaternion[0]), layout)


def density(cloud: Tensor, slope: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """Half of the points (N / 2, C), e^(2 slope) times as likely at one end of the shape as at the other.

    Compare with dropout 0.5, which thins evenly.
    """
    direction = torch.randn(3, generator=generator)
    along = cloud[:, :3] @ (direction / direction.norm())
    likely = slope * along / along.abs().max().clamp_min(1e-12)
    # The largest sums of log-weight and Gumbel noise are a draw without replacement.
    noise = -torch.rand(len(cloud), generator=generator).clamp_min(1e-12).log()
    kept = (likely - noise.clamp_min(1e-12).log()).topk(max(1, len(cloud) // 2)).indices
    return cloud[kept.sort().values]


def voxels(cloud: Tensor, cells: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) with every point in the middle of its cell of a grid that lies anywhere; normals stay.

    A cell is 2 / `cells` wide, so the unit sphere spans that many.
    """
    width, shift = 2 / cells, torch.rand(3, generator=generator)
    middle = ((cloud[:, :3] / width + shift).floor() + 0.5 - shift) * width
    return torch.cat([middle, cloud[:, 3:]], dim=1)


def points(cloud: Tensor, count: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """`count` random points of all that are stored, as a sparser scan has them, in farthest-point order."""
    drawn = cloud[torch.randperm(len(cloud), generator=generator)[: int(count)]]
    return drawn[torch.from_numpy(farthest_point_order(drawn[:, :3].numpy()))]


KINDS = {
    "dropout": CorruptionKind(dropout, (0.25, 0.5, 0.75, 0.875), "share of points", 1.0),
    "jitter": CorruptionKind(jitter, (0.01, 0.02, 0.05), "deviation in radii", 1.0),
    "rotation_up": CorruptionKind(rotation_up, (15.0, 45.0, 180.0), "± degrees about the up axis", 180.0),
    "rotation_any": CorruptionKind(rotation_any, (15.0, 45.0, 180.0), "± degrees about any axis", 180.0),
    "density": CorruptionKind(density, (1.0, 2.0), "slope of log-density, half the points", 10.0),
    "points": CorruptionKind(points, (128.0, 256.0, 512.0, 2048.0, 8192.0), "random stored points", 2.0**20),
    "voxels": CorruptionKind(voxels, (32.0, 16.0, 8.0), "cells across the sphere", 4096.0),
}


class Corruption(corruption.Corruption):
    """A change of clouds (B, N, C) in the unit sphere, up axis z, by their layout, to (B, M, C) with M at most N."""

    KINDS = KINDS

    @property
    def of_all(self) -> bool:
        """Whether it changes all stored points of a shape, and not those that are taken."""
        return self.kind == "points"

    def fits(self, store: Store) -> bool:
        """Whether every shape of the store has as many points as it asks for."""
        return not self.of_all or self.severity <= int(store.lengths.min())


def _angle(degrees: float, generator: torch.Generator) -> Tensor:
    return math.radians(degrees) * (2 * torch.rand((), generator=generator) - 1)


def _turned(cloud: Tensor, axis: Tensor, angle: Tensor, layout: Layout) -> Tensor:
    """Rodrigues' rotation of coordinates and normals."""
    x, y, z = axis.tolist()
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
    turned = cloud.clone()
    for triple in (layout.xyz, layout.normals):
        if triple is not None:
            turned[:, triple] = cloud[:, triple] @ matrix.T
    return turned
