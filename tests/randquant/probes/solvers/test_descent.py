"""Optima in an eigenbasis against those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import Tensor

from randquant.probes.logistic import Problem
from randquant.probes.solvers.descent import Labelled, fitted, zero_layer
from randquant.probes.solvers.eigenbasis import Eigenbasis
from randquant.probes.solvers.linear_svm import SquaredHinge

CLASSES = 5


def items(count: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Features of a steep spectrum, whose directions are not the coordinates."""
    draw = torch.Generator().manual_seed(0)
    targets = torch.arange(count) % CLASSES
    centres, noise = torch.randn(CLASSES, dimension, generator=draw), torch.randn(count, dimension, generator=draw)
    mix = torch.linalg.qr(torch.randn(dimension, dimension, generator=draw))[0]
    x = (0.5 * centres[targets] + noise) * torch.logspace(1, -2, dimension)
    x = x @ mix
    return x - x.mean(dim=0), targets


@pytest.mark.parametrize("shape", [(300, 20), (60, 90)], ids=["more items", "more features"])
@pytest.mark.parametrize("penalty", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize("loss", [Problem, SquaredHinge])
def test_the_objective_is_that_of_scikit_learn(loss: type[Problem], shape: tuple[int, int], penalty: float) -> None:
    x, targets = items(*shape)
    strength = 1 / (penalty * len(x))
    if loss is Problem:
        twin = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(x.double().numpy(), targets.numpy())
        expected = [torch.from_numpy(twin.coef_), torch.from_numpy(twin.intercept_)]
    else:
        x = torch.cat([x, torch.ones(len(x), 1)], dim=1)
        twin = LinearSVC(C=strength, fit_intercept=False, dual=False, tol=1e-5, max_iter=10_000).fit(
            x.double().numpy(), targets.numpy()
        )
        expected = [torch.from_numpy(twin.coef_), torch.zeros(CLASSES).double()]
    basis = Eigenbasis.of(x)
    known = Labelled(basis.rotate(x), targets)
    layer = zero_layer(CLASSES, basis)
    for each in (10 * penalty, penalty):
        layer, passes = fitted(loss, known, each, layer, basis)
        assert passes < 200
    found = [layer[0].double() @ basis.axes.double().T, layer[1].double()]
    exact = loss(x.double(), targets, slice(None))
    assert exact.loss(found, penalty)[0] == pytest.approx(exact.loss(expected, penalty)[0], rel=1e-3)


def test_axes_are_orthogonal_and_hold_all_that_varies() -> None:
    for shape in ((300, 20), (60, 90)):
        x, _ = items(*shape)
        basis = Eigenbasis.of(x)
        np.testing.assert_allclose(basis.axes.T @ basis.axes, np.eye(basis.axes.shape[1]), atol=1e-5)
        torch.testing.assert_close(basis.rotate(x) @ basis.axes.T, x, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(basis.rotate(x).square().mean(dim=0), basis.squares, atol=1e-4, rtol=1e-4)
        assert (basis.squares.diff() <= 0).all()


def test_what_a_penalty_leaves_without_weight_is_left_out() -> None:
    basis = Eigenbasis(torch.eye(4), torch.tensor([1.0, 1e-2, 1e-5, 1e-9]))
    assert [basis.count(penalty) for penalty in (1e9, 10.0, 1e-2, 1e-6)] == [1, 2, 3, 4]
