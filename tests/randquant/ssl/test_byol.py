"""BYOL and its loss against slow forms written by hand."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from randquant.ssl.byol import BYOL, byol_loss


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum() / a.norm() / b.norm())


def test_byol_loss_equals_the_slow_form_and_its_range() -> None:
    prediction, target = torch.randn(2, 7, 5)
    slow = sum(2 - 2 * cosine(p, t) for p, t in zip(prediction, target, strict=True)) / 7
    assert float(byol_loss(prediction, target)) == pytest.approx(slow, abs=1e-5)
    assert float(byol_loss(prediction, 3 * prediction)) == pytest.approx(0, abs=1e-5)
    assert float(byol_loss(prediction, -prediction)) == pytest.approx(4, abs=1e-5)


def test_no_gradient_enters_the_target() -> None:
    prediction, target = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    byol_loss(prediction, target).backward()
    assert prediction.grad is not None
    assert target.grad is None


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        byol_loss(torch.randn(4, 3), torch.randn(1, 3))


def test_byol_sums_over_ordered_pairs_and_trains_no_teacher() -> None:
    method = BYOL(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4).eval()
    views = [torch.randn(7, 6) for _ in range(3)]
    loss, projections = method(views)
    with torch.no_grad():
        predictions = [method.predictor(method.online(view)) for view in views]
        targets = [method.teacher(view) for view in views]
    slow = sum(float(byol_loss(predictions[i], targets[j])) for i, j in itertools.permutations(range(3), 2))
    assert loss.item() == pytest.approx(slow, rel=1e-4)
    assert projections.shape == (21, 4)
    loss.backward()
    assert all(parameter.grad is None for parameter in method.teacher.parameters())
    assert all(parameter.grad is not None for parameter in method.online.parameters())
