"""Shifts against their definition."""

import pytest
import torch
from torch import Tensor

from randquant.pointcloud.augment.translation import RandomTranslation


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(8, 60, 3, generator=generator(7))


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
