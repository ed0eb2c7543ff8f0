"""The two numbers on which collapse is watched."""

import pytest
import torch

from randquant.ssl.collapse import effective_rank, spread


def test_collapse_numbers() -> None:
    healthy, collapsed = torch.randn(512, 64), torch.randn(64).expand(512, 64) + 1e-3 * torch.randn(512, 64)
    assert float(spread(healthy)) == pytest.approx(1.0, abs=0.05)
    assert float(spread(collapsed)) < 0.01
    line = torch.randn(512, 1) * torch.randn(1, 64)
    assert float(effective_rank(line)) == pytest.approx(1.0, abs=0.01)
    assert float(effective_rank(healthy)) > 50
