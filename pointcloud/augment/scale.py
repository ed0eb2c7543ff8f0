"""Random scales of clouds about the origin, the centre of a cloud as stored."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_factors
from randquant.pointcloud.augment.cloud_augmentation import (
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)
from randquant.pointcloud.points.layout import XYZ, Layout


class ScaleParams(NamedTuple):
    """One draw of a scale: factor (B, 1), or (B, 3) with one for each axis."""

    factor: Tensor


class RandomScale(PerCloudAugmentation):
    """Multiply the coordinates of every cloud by a uniform factor.

    Args:
        scale: range of the factor, > 0.
        p: probability that a cloud is scaled.

    Source: PointNet++ (NeurIPS 2017) with 0.8 to 1.25; CrossPoint (CVPR 2022) with 0.5 to 2.
    """

    _axes = 1

    def __init__(self, scale: tuple[float, float] = (0.8, 1.25), p: float = 1.0) -> None:
        super().__init__(p)
        self.scale = checked_factors("scale", scale)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ScaleParams:
        """Draw the factors; only the batch size and device of x are used."""
        check_clouds(x)
        low, high = self.scale
        draws = torch.rand(x.shape[0], self._axes, device=x.device, generator=generator)
        return ScaleParams(torch.where(self._chosen(x, generator)[:, None], low + draws * (high - low), 1.0))

    def transform(self, x: Tensor, params: ScaleParams) -> Tensor:
        """Scale every cloud."""
        check_clouds(x)
        return with_geometry(x, self.layout, in_full_precision(x[..., :3]) * params.factor[:, None])


class RandomAnisotropicScale(RandomScale):
    """Multiply x, y and z of every cloud by separate factors.

    Args:
        scale: range of each factor, > 0.
        p, layout: as for `PerCloudAugmentation`.

    Source: Point-MAE (ECCV 2022), with 2/3 to 3/2.
    """

    _axes = 3

    def __init__(self, scale: tuple[float, float] = (2 / 3, 3 / 2), p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__(scale, p)
        self.layout = layout

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ScaleParams:
        """Draw three factors a cloud; only the batch size and device of x are used."""
        check_clouds(x, self.layout)
        return super().make_params(x, generator=generator)

    def transform(self, x: Tensor, params: ScaleParams) -> Tensor:
        """Scale every cloud."""
        check_clouds(x, self.layout)
        work, factor = in_full_precision(x), params.factor[:, None]
        normals = None if self.layout.normals is None else _scaled_normals(work[..., self.layout.normals], factor)
        return with_geometry(x, self.layout, work[..., :3] * factor, normals)


def _scaled_normals(normals: Tensor, factor: Tensor) -> Tensor:
    """Normals (B, N, 3) of surfaces scaled by factor (B, 1, 3): by the inverse transpose, each as long as before."""
    turned = normals / factor
    length, turned_length = (vectors.norm(dim=-1, keepdim=True) for vectors in (normals, turned))
    # Equal factors give equal lengths, whose ratio is exactly one; a normal of zeros stays one.
    return turned * (length / turned_length.clamp(min=torch.finfo(turned.dtype).tiny))
