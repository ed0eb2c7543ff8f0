"""Random rotations of clouds about the origin; normals turn along."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_size
from randquant.pointcloud.augment.cloud_augmentation import (
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)
from randquant.pointcloud.points.layout import XYZ, Layout

Axis = Literal["x", "y", "z", "so3"]


class RotationParams(NamedTuple):
    """One draw of a rotation: matrix (B, 3, 3), which multiplies column vectors."""

    matrix: Tensor


class Rotating(PerCloudAugmentation):
    """Rotates coordinates and normals by one matrix per cloud; a subclass draws the matrices."""

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> RotationParams:
        """Draw one rotation a cloud; only the batch size and device of x are used."""
        check_clouds(x, self.layout)
        matrix = self._draw(x, generator)
        identity = torch.eye(3, device=x.device)
        return RotationParams(torch.where(self._chosen(x, generator)[:, None, None], matrix, identity))

    def transform(self, x: Tensor, params: RotationParams) -> Tensor:
        """Rotate every cloud (B, N, C)."""
        check_clouds(x, self.layout)
        work = in_full_precision(x)
        normals = None if self.layout.normals is None else rotate(work[..., self.layout.normals], params.matrix)
        return with_geometry(x, self.layout, rotate(work[..., self.layout.xyz], params.matrix), normals)

    def _draw(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Matrices (B, 3, 3)."""
        raise NotImplementedError


class RandomRotation(Rotating):
    """Rotate every cloud about one axis, or uniformly in SO(3).

    Args:
        axis: "x", "y" or "z" (up, in a store); "so3" for a uniform draw from all rotations.
        degrees: largest angle either way about an axis, in [0, 180]; "so3" takes only 180.
        p, layout: as for `PerCloudAugmentation`.

    Source: about the vertical axis by any angle in PointNet (CVPR 2017) and CrossPoint (CVPR 2022). Uniform
    rotations: Shoemake, "Uniform random rotations", Graphics Gems III (1992).
    """

    def __init__(self, axis: Axis = "z", degrees: float = 180.0, p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__(p, layout)
        if axis not in ("x", "y", "z", "so3"):
            raise ValueError(f"axis should be 'x', 'y', 'z' or 'so3', got {axis!r}.")
        if not 0.0 <= degrees <= 180.0:
            raise ValueError(f"degrees should be in [0, 180], got {degrees!r}.")
        if axis == "so3" and degrees != 180.0:
            raise ValueError(f"degrees should be 180 with axis='so3', got {degrees!r}; name an axis for smaller turns.")
        self.axis, self.degrees = axis, float(degrees)

    def _draw(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        draws = torch.rand(3, x.shape[0], device=x.device, generator=generator)
        if self.axis == "so3":
            return _uniform_rotation(draws)
        angle = (draws[0] * 2.0 - 1.0) * math.radians(self.degrees)
        return _euler(*(angle if name == self.axis else torch.zeros_like(angle) for name in "xyz"))


class RandomRotationPerturbation(Rotating):
    """Rotate every cloud slightly about x, then y, then z, by normal angles.

    Args:
        sigma: standard deviation of each angle, in radians.
        clip: largest angle either way, in radians.
        p, layout: as for `PerCloudAugmentation`.

    Source: PointNet++ (NeurIPS 2017) and STRL (ICCV 2021), with these values.
    """

    def __init__(self, sigma: float = 0.06, clip: float = 0.18, p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__(p, layout)
        self.sigma, self.clip = checked_size("sigma", sigma), checked_size("clip", clip)

    def _draw(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        angles = torch.randn(3, x.shape[0], device=x.device, generator=generator) * self.sigma
        return _euler(*angles.clamp(-self.clip, self.clip))


def rotate(vectors: Tensor, matrix: Tensor) -> Tensor:
    """Multiply vectors (B, N, 3) by their cloud's matrix (B, 3, 3)."""
    # Three products and not a matmul: exact for the identity, and neither TF32 nor autocast coarsens it.
    columns = matrix[:, None]
    x, y, z = vectors.split(1, dim=-1)
    return x * columns[..., 0] + y * columns[..., 1] + z * columns[..., 2]


def _euler(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Matrices (B, 3, 3) of turns by angles (B,) about x, then y, then z, counter-clockwise seen from the axis' tip."""
    (sx, sy, sz), (cx, cy, cz) = (torch.stack([x, y, z]).sin(), torch.stack([x, y, z]).cos())
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _uniform_rotation(draws: Tensor) -> Tensor:
    """Matrices (B, 3, 3) of uniform unit quaternions made from three uniform draws (3, B)."""
    radius, other = (1.0 - draws[0]).sqrt(), draws[0].sqrt()
    first, second = draws[1] * (2.0 * math.pi), draws[2] * (2.0 * math.pi)
    x, y, z, w = radius * first.sin(), radius * first.cos(), other * second.sin(), other * second.cos()
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
