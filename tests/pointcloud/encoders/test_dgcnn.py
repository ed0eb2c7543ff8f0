"""Neighbours among features, from as many distances at a time as fit in a block."""

import pytest
import torch

from randquant.pointcloud.encoders import dgcnn


@pytest.mark.parametrize("block", [40 * 7, 40 * 40, 3 * 40 * 40])
@pytest.mark.parametrize("masked", [False, True])
def test_blocks_change_no_neighbour(masked: bool, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randint(100, (5, 40, 8), generator=torch.Generator().manual_seed(0)).float()  # exact products
    kept = torch.arange(40).expand(5, -1) % 3 > 0 if masked else None
    expected = dgcnn.nearest_features(x, 6, kept)
    monkeypatch.setattr(dgcnn, "_BLOCK", block)
    assert torch.equal(dgcnn.nearest_features(x, 6, kept), expected)
