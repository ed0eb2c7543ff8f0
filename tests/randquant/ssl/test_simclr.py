"""SimCLR against the slow form of its loss."""

import math

import pytest
import torch
from torch import Tensor, nn

from randquant.ssl.simclr import SimCLR


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum() / a.norm() / b.norm())


def test_simclr_equals_the_slow_form_of_nt_xent() -> None:
    method = SimCLR(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.5).eval()
    views = [torch.randn(7, 6) for _ in range(2)]
    z = torch.cat([method.projector(method.encoder(view)) for view in views])
    total = 0.0
    for i in range(14):
        logits = {j: cosine(z[i], z[j]) / 0.5 for j in range(14) if j != i}
        total += math.log(sum(map(math.exp, logits.values()))) - logits[(i + 7) % 14]
    assert float(method(views)[0]) == pytest.approx(total / 14, rel=1e-4)
