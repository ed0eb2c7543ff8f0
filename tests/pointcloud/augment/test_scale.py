"""Scales against their definition, one cloud at a time."""

import pytest
import torch
from torch import Tensor

from randquant.pointcloud.augment.scale import RandomAnisotropicScale, RandomScale, ScaleParams
from randquant.pointcloud.points.layout import XYZ_NORMALS


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(8, 60, 3, generator=generator(7))


def test_scales_multiply(x: Tensor) -> None:
    augment = RandomScale((0.5, 2.0))
    factors = augment.make_params(x, generator=generator(1)).factor
    assert factors.shape == (8, 1)
    expected = torch.stack([cloud * float(factor) for cloud, factor in zip(x, factors, strict=True)])
    assert torch.equal(augment(x, generator=generator(1)), expected)
    many = augment.make_params(torch.empty(20_000, 1, 3)).factor
    assert ((many >= 0.5) & (many <= 2.0)).all()
    assert abs(float(many.mean()) - 1.25) < 0.02


def test_every_axis_has_a_scale_of_its_own(x: Tensor) -> None:
    factors = RandomAnisotropicScale().make_params(x, generator=generator(1)).factor
    assert factors.shape == (8, 3)
    assert factors.unique().numel() == 24
    for cloud, scaled, factor in zip(x, RandomAnisotropicScale()(x, generator=generator(1)), factors, strict=True):
        assert torch.equal(scaled, cloud @ factor.diag())


def test_normals_follow_by_the_inverse_transpose() -> None:
    clouds = torch.randn(4, 30, 6, dtype=torch.float64)
    augment = RandomAnisotropicScale(layout=XYZ_NORMALS)
    params = augment.make_params(clouds)
    for cloud, scaled, factor in zip(clouds, augment.transform(clouds, params), params.factor, strict=True):
        turned = cloud[:, 3:] @ torch.linalg.inv(factor.double().diag()).T
        lengths = cloud[:, 3:].norm(dim=1, keepdim=True) / turned.norm(dim=1, keepdim=True)
        torch.testing.assert_close(scaled[:, 3:], turned * lengths)


def test_a_point_without_a_normal_stays_without() -> None:
    clouds = torch.zeros(1, 4, 6)
    params = ScaleParams(torch.tensor([[0.5, 2.0, 3.0]]))
    assert torch.equal(RandomAnisotropicScale(layout=XYZ_NORMALS).transform(clouds, params), clouds)
