"""Random subsets of points."""

import pytest
import torch
from torch import Tensor

from randquant.pointcloud.augment.resample import RandomResample


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(8, 60, 3, generator=generator(7))


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
