"""Random shears of clouds."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.pointcloud.augment.cloud_augmentation import (
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)
from randquant.pointcloud.augment.rotation import rotate
from randquant.pointcloud.points.layout import XYZ, Layout


class ShearParams(NamedTuple):
    """One draw of `RandomShear`: matrix (B, 3, 3), ones on the diagonal, which multiplies column vectors."""

    matrix: Tensor


class RandomShear(PerCloudAugmentation):
    """Shear every cloud along all axes: each coordinate gains shares of the other two.

    Args:
        shear: range of each share, either way, in [0, 0.45], so that no cloud is turned inside out.
        p, layout: as for `PerCloudAugmentation`.

    Source: the shear of ModelNet40-C (Sun et al., 2022), which draws shares up to 0.25 at its strongest.
    """

    def __init__(self, shear: tuple[float, float] = (0.0, 0.2), p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__(p, layout)
        self.shear = checked_range("shear", shear, 0.45)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ShearParams:
        """Draw six shares a cloud; only the batch size and device of x are used."""
        check_clouds(x, self.layout)
        draws, (low, high) = torch.rand(2, len(x), 3, 3, device=x.device, generator=generator), self.shear
        shares = torch.where(draws[0] < 0.5, -1.0, 1.0) * (low + draws[1] * (high - low))
        identity = torch.eye(3, device=x.device)
        matrix = torch.where(identity > 0, identity, shares)
        return ShearParams(torch.where(self._chosen(x, generator)[:, None, None], matrix, identity))

    def transform(self, x: Tensor, params: ShearParams) -> Tensor:
        """Shear every cloud (B, N, C)."""
        check_clouds(x, self.layout)
        work, normals = in_full_precision(x), None
        if self.layout.normals is not None:
            columns = params.matrix[:, None].expand(-1, x.shape[1], -1, -1).unbind(dim=-1)
            normals = turned_normals(work[..., self.layout.normals], columns)
        return with_geometry(x, self.layout, rotate(work[..., self.layout.xyz], params.matrix), normals)


def turned_normals(normals: Tensor, tangents: tuple[Tensor, ...]) -> Tensor:
    """Normals (B, N, 3) of a surface that is moved so that x, y and z become three tangents (B, N, 3) each.

    They turn by the inverse transpose, up to a factor the cross products of the tangents; each stays as long as it was.
    """
    along_x, along_y, along_z = tangents
    x, y, z = normals.split(1, dim=-1)
    turned = (
        x * torch.linalg.cross(along_y, along_z)
        + y * torch.linalg.cross(along_z, along_x)
        + z * torch.linalg.cross(along_x, along_y)
    )
    length, turned_length = (vectors.norm(dim=-1, keepdim=True) for vectors in (normals, turned))
    return turned * (length / turned_length.clamp(min=torch.finfo(turned.dtype).tiny))
