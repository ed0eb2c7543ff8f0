"""Scale, translation, jitter and resampling against their definitions, one cloud at a time."""

import pytest
import torch
from torch import Tensor

from pointcloud.augment.geometric import (
    RandomAnisotropicScale,
    RandomJitter,
    RandomResample,
    RandomScale,
    RandomTranslation,
    ScaleParams,
)
from pointcloud.layout import XYZ_NORMALS


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


@pytest.mark.parametrize("relative", [False, True])
def test_translations_add(relative: bool, x: Tensor) -> None:
    augment = RandomTranslation(0.3, relative=relative)
    shifts = augment.make_params(x, generator=generator(1)).shift
    moved = augment(x, generator=generator(1))
    for cloud, after, shift in zip(x, moved, shifts, strict=True):
        unit = cloud.amax(dim=0) - cloud.amin(dim=0) if relative else torch.ones(3)
        torch.testing.assert_close(after, cloud + shift * 0.3 * unit)
    assert shifts.unique().numel() == 24
    assert float(shifts.abs().max()) <= 1.0


def test_jitter_is_normal_and_clipped() -> None:
    clouds = torch.randn(64, 500, 3)
    noise = RandomJitter(0.02, clip=0.05).make_params(clouds, generator=generator(1)).noise
    assert noise.shape == clouds.shape
    assert float(noise.abs().max()) == pytest.approx(0.05)
    assert float(noise.std()) == pytest.approx(0.0196, abs=3e-4)  # 2.5 deviations kept
    assert torch.equal(RandomJitter(0.02)(clouds, generator=generator(1)), clouds + noise)
    assert torch.equal(RandomJitter(0.0)(clouds), clouds)


def test_resampling_takes_every_point_at_most_once(x: Tensor) -> None:
    augment = RandomResample(40)
    slots = augment.make_params(x, generator=generator(1)).slots
    assert [len(set(row.tolist())) for row in slots] == [40] * 8
    for cloud, row, taken in zip(x, slots, augment(x, generator=generator(1)), strict=True):
        assert torch.equal(taken, cloud[row])
    assert sorted(RandomResample(60).make_params(x).slots[0].tolist()) == list(range(60))


def test_resampling_is_uniform() -> None:
    taken = RandomResample(5).make_params(torch.empty(20_000, 20, 3), generator=generator(1)).slots
    share = taken.flatten().bincount(minlength=20) / 20_000
    torch.testing.assert_close(share, torch.full((20,), 0.25), rtol=0.0, atol=0.015)


def test_resampling_takes_genuine_points_first(x: Tensor) -> None:
    kept = torch.arange(60).expand(8, 60) % 3 == 0
    few, many = (RandomResample(count).make_params(x, kept=kept).slots for count in (15, 30))
    assert kept.gather(1, few).all()
    assert kept.gather(1, many).sum(dim=1).tolist() == [20] * 8


def test_resampling_needs_enough_points(x: Tensor) -> None:
    with pytest.raises(ValueError, match="at least 61 points to resample, got 60"):
        RandomResample(61)(x)
