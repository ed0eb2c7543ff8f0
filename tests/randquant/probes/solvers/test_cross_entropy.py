"""The loss of logistic regression against autograd."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from randquant.probes.solvers import cross_entropy
from randquant.probes.solvers.cross_entropy import CrossEntropy


def problem(count: int, dimension: int, classes: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(count, dimension, dtype=torch.float64, generator=draw)
    weight = torch.randn(classes, dimension, dtype=torch.float64, generator=draw)
    return x, torch.arange(count) % classes, weight, torch.arange(classes).double()


def test_loss_and_gradient_equal_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets, weight, bias = problem(30, 5)
    weight.requires_grad_(), bias.requires_grad_()
    expected = functional.cross_entropy(x[3:] @ weight.T + bias, targets[3:]) + 0.35 * weight.square().sum()
    expected.backward()
    monkeypatch.setattr(cross_entropy, "_LOGITS", 20)
    with torch.no_grad():
        loss, gradients = CrossEntropy(x, targets, slice(3, 30)).loss([weight, bias], 0.7)
    assert loss == pytest.approx(float(expected.detach()))
    torch.testing.assert_close(gradients, [weight.grad, bias.grad])


def test_curvature_is_the_mean_hessian_by_the_logits() -> None:
    x, targets, weight, bias = problem(30, 5)
    hessians = [
        torch.autograd.functional.hessian(lambda z, own=own: functional.cross_entropy(z, own), logits)
        for logits, own in zip(x @ weight.T + bias, targets, strict=True)
    ]
    expected = torch.stack(hessians).mean(dim=0)
    torch.testing.assert_close(CrossEntropy(x, targets).curvature([weight, bias]), expected)
