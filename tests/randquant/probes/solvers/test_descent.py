"""Optima in an eigenbasis against those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import Tensor

from randquant.probes.solvers import descent
from randquant.probes.solvers.cross_entropy import CrossEntropy
from randquant.probes.solvers.eigenbasis import Eigenbasis
from randquant.probes.solvers.linear_svm import SquaredHinge
from randquant.probes.solvers.penalty_path import Labelled, PenaltyPath, zero_layer

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
@pytest.mark.parametrize("loss", [CrossEntropy, SquaredHinge])
def test_the_objective_is_that_of_scikit_learn(
    loss: type[CrossEntropy], shape: tuple[int, int], penalty: float
) -> None:
    x, targets = items(*shape)
    strength = 1 / (penalty * len(x))
    if loss is CrossEntropy:
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
    path = PenaltyPath(loss, known, basis, zero_layer(CLASSES, basis), pointed=loss is CrossEntropy)
    for each in (100 * penalty, 10 * penalty, penalty):  # the third starts from where the first two point
        layer = path.advance(each, 1e-5)
    assert path.passes < 300
    assert not path.unfinished
    found = [layer[0].double() @ basis.axes.double().T, layer[1].double()]
    exact = loss(x.double(), targets)
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
    assert [basis.count(penalty) for penalty in (1e9, 0.1, 1e-4, 1e-8)] == [1, 2, 3, 4]
    x, targets = items(300, 20)
    x *= torch.logspace(0, -3, 20)
    basis = Eigenbasis.of(x)
    known, start = Labelled(basis.rotate(x), targets), zero_layer(CLASSES, basis)
    assert 1 < basis.count(1.0) < 20
    short = PenaltyPath(CrossEntropy, known, basis, start).advance(1.0, 1e-9)
    whole = descent.descend(CrossEntropy(*vars(known).values()), 1.0, start, basis.squares, 1e-9).layer
    moved = known.x @ (short[0] - whole[0]).T + (short[1] - whole[1])
    assert 0 < moved.square().sum(dim=1).mean().sqrt() < 1e-2


def test_running_out_of_passes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = items(300, 20)
    basis = Eigenbasis.of(x)
    path = PenaltyPath(CrossEntropy, Labelled(basis.rotate(x), targets), basis, zero_layer(CLASSES, basis))
    monkeypatch.setattr(descent, "_PASSES", 4)
    path.advance(10.0, 1e-2)
    path.advance(1e-4, 1e-7)
    assert path.unfinished == [1e-4]
    assert path.passes <= 8
