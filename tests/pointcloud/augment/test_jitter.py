"""Noise of every point against its definition."""

import pytest
import torch

from randquant.pointcloud.augment.jitter import RandomJitter


def test_jitter_is_normal_and_clipped() -> None:
    clouds = torch.randn(64, 500, 3)
    noise = RandomJitter(0.02, clip=0.05).make_params(clouds, generator=torch.Generator().manual_seed(1)).noise
    assert noise.shape == clouds.shape
    assert float(noise.abs().max()) == pytest.approx(0.05)
    assert float(noise.std()) == pytest.approx(0.0196, abs=3e-4)  # 2.5 deviations kept
    assert torch.equal(RandomJitter(0.02)(clouds, generator=torch.Generator().manual_seed(1)), clouds + noise)
    assert torch.equal(RandomJitter(0.0)(clouds), clouds)
