"""Shears and elastic distortions against their definition, one cloud at a time."""

import torch
from torch import Tensor

from randquant.pointcloud.augment.elastic import RandomElastic
from randquant.pointcloud.augment.shear import RandomShear
from randquant.pointcloud.points.layout import XYZ_NORMALS


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sphere(clouds: int = 3) -> Tensor:
    """Points of a sphere of radius 0.7 with their normals, (clouds, 200, 6)."""
    normals = torch.nn.functional.normalize(
        torch.randn(clouds, 200, 3, dtype=torch.float64, generator=generator(7)), dim=-1
    )
    return torch.cat([0.7 * normals, normals], dim=-1)


def test_a_shear_multiplies_and_normals_follow_by_the_inverse_transpose() -> None:
    clouds, augment = sphere(), RandomShear((0.1, 0.3), layout=XYZ_NORMALS)
    params = augment.make_params(clouds, generator=generator(1))
    others = params.matrix - torch.eye(3)
    assert (others.abs().sum(dim=(1, 2)) >= 0.6).all()
    assert others.abs().max() <= 0.3
    for cloud, sheared, matrix in zip(clouds, augment.transform(clouds, params), params.matrix.double(), strict=True):
        torch.testing.assert_close(sheared[:, :3], cloud[:, :3] @ matrix.T)
        turned = torch.nn.functional.normalize(cloud[:, 3:] @ torch.linalg.inv(matrix), dim=-1)
        torch.testing.assert_close(sheared[:, 3:], turned)
    assert torch.equal(RandomShear(p=0.0, layout=XYZ_NORMALS)(clouds), clouds)


def test_an_elastic_field_moves_neighbours_together_and_normals_stay_normal() -> None:
    clouds, augment = sphere(), RandomElastic((0.05, 0.05), layout=XYZ_NORMALS)
    params = augment.make_params(clouds, generator=generator(1))
    bent = augment.transform(clouds, params)
    assert 0.01 < float((bent - clouds)[..., :3].norm(dim=-1).mean()) < 0.2
    torch.testing.assert_close(bent[..., 3:].norm(dim=-1), torch.ones(3, 200, dtype=torch.float64))
    # A tangent of the sphere, moved along, stays at a right angle to the turned normal.
    normals = clouds[..., 3:]
    tangent = torch.linalg.cross(normals, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand_as(normals))
    beside = clouds.clone()
    beside[..., :3] += 1e-6 * tangent
    moved = torch.nn.functional.normalize((augment.transform(beside, params) - bent)[..., :3], dim=-1)
    angle = (moved * bent[..., 3:]).sum(dim=-1).abs()
    assert float(angle.median()) < 0.02  # the field has kinks at the faces of its cells
    assert torch.equal(RandomElastic(p=0.0, layout=XYZ_NORMALS)(clouds), clouds)
