"""Noise of every point against its definition."""

import pytest
import torch

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.jitter import RandomJitter


def test_jitter_is_normal_and_clipped() -> None:
    clouds = torch.randn(64, 500, 3)
    noise = RandomJitter(0.02, clip=0.05).make_params(clouds, generator=torch.Generator().manual_seed(1)).noise
    assert noise.shape == clouds.shape
    assert float(noise.abs().max()) == pytest.approx(0.05)
    assert float(noise.std()) == pytest.approx(0.0196, abs=3e-4)  # 2.5 deviations kept
    assert torch.equal(RandomJitter(0.02)(clouds, generator=torch.Generator().manual_seed(1)), clouds + noise)
    assert torch.equal(RandomJitter(0.0)(clouds), clouds)


def test_a_range_of_deviations_is_drawn_from_for_each_cloud() -> None:
    clouds, jitter = torch.zeros(200, 400, 3), RandomJitter((0.01, 0.05), clip=1.0)
    found = jitter(clouds, generator=torch.Generator().manual_seed(1)).std(dim=(1, 2))
    assert 0.009 < float(found.min()) < 0.012
    assert 0.048 < float(found.max()) < 0.053
    assert float(found.mean()) == pytest.approx(0.03, abs=2e-3)
    packed = jitter.augment_packed(PackedBatch.of(list(clouds[:50])), generator=torch.Generator().manual_seed(2))
    each = torch.stack(packed.split()).std(dim=(1, 2))
    assert float(each.max() - each.min()) > 0.03
    same = RandomJitter((0.02, 0.02))(clouds, generator=torch.Generator().manual_seed(1))
    assert torch.equal(same, RandomJitter(0.02)(clouds, generator=torch.Generator().manual_seed(1)))
