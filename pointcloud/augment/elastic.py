"""Random elastic distortions of clouds."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_count, checked_range
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import (
    CloudAugmentation,
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)
from randquant.pointcloud.augment.shear import turned_normals
from randquant.pointcloud.points.layout import XYZ, Layout

_STEP = 1e-2  # of the differences that say how the field turns normals


class ElasticParams(NamedTuple):
    """One draw of `RandomElastic`: field (B, 3, G, G, G), by how much the knots of the lattice move, over z, y, x."""

    field: Tensor


class RandomElastic(PerCloudAugmentation):
    """Bend every cloud: knots of a coarse lattice move at random, and points move with those around them.

    The lattice spans [-1, 1] along each axis, the unit sphere that clouds are brought into; points outside move with
    its border. Normals turn along.

    Args:
        distance: range of the standard deviation of a knot's movement along each axis.
        knots: G, of the lattice along each axis, at least 2; few bend the whole shape, many its parts.
        p, layout: as for `PerCloudAugmentation`.

    Source: elastic distortion (Simard et al., ICDAR 2003), on a lattice as sparse networks for scenes use it.
    """

    def __init__(
        self, distance: tuple[float, float] = (0.0, 0.1), knots: int = 4, p: float = 1.0, layout: Layout = XYZ
    ) -> None:
        super().__init__(p, layout)
        self.distance, self.knots = checked_range("distance", distance), checked_count("knots", knots, least=2)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ElasticParams:
        """Draw a field a cloud; only the batch size and device of x are used."""
        check_clouds(x, self.layout)
        low, high = self.distance
        size = low + torch.rand(len(x), device=x.device, generator=generator) * (high - low)
        size = torch.where(self._chosen(x, generator), size, 0.0)
        field = torch.randn(len(x), 3, *[self.knots] * 3, device=x.device, generator=generator)
        return ElasticParams(field * size[:, None, None, None, None])

    def transform(self, x: Tensor, params: ElasticParams) -> Tensor:
        """Bend every cloud (B, N, C)."""
        check_clouds(x, self.layout)
        work, normals = in_full_precision(x), None
        xyz = work[..., self.layout.xyz]
        movement = _movement(xyz, params.field)
        if self.layout.normals is not None:
            axes = torch.eye(3, device=x.device, dtype=xyz.dtype)
            # An axis plus its change, so that no movement leaves normals bit for bit.
            tangents = (axis + (_movement(xyz + _STEP * axis, params.field) - movement) / _STEP for axis in axes)
            normals = turned_normals(work[..., self.layout.normals], tuple(tangents))
        return with_geometry(x, self.layout, xyz + movement, normals)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Bend clouds of any size one after the other, as a field for every point would be too large."""
        return CloudAugmentation.augment_packed(self, clouds, generator=generator)


def _movement(xyz: Tensor, field: Tensor) -> Tensor:
    """By how much points (B, N, 3) move in a field (B, 3, G, G, G)."""
    at = xyz[:, None, None].clamp(-1.0, 1.0)
    moved = functional.grid_sample(field.to(xyz.dtype), at, align_corners=True, padding_mode="border")
    return moved[:, :, 0, 0].transpose(1, 2)
