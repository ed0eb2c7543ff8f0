"""Optimisers and rates against slow forms."""

import pytest
import torch
from torch import Tensor, nn

from randquant.training.optimization.lars import LARS
from randquant.training.optimization.optimizer import MOMENTS, check_moments, make_optimizer
from randquant.training.optimization.schedule import learning_rate_at
from randquant.training.settings import Training


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2), nn.Linear(2, 2, bias=False))


def slow_step(weight: Tensor, gradient: Tensor, momentum: Tensor) -> tuple[Tensor, Tensor]:
    """One layer, one step, as the papers write it."""
    if weight.ndim > 1:
        gradient = gradient + 0.01 * weight
        if weight.norm() > 0 and gradient.norm() > 0:
            gradient = gradient * (0.001 * weight.norm() / gradient.norm())
    momentum = 0.9 * momentum + gradient
    return weight - 0.5 * momentum, momentum


def test_lars_against_one_layer_at_a_time() -> None:
    net = network()
    nn.init.zeros_(list(net.parameters())[-1])
    optimizer = LARS(net.parameters(), lr=0.5, weight_decay=0.01, momentum=0.9)
    expected = [parameter.detach().clone() for parameter in net.parameters()]
    momenta = [torch.zeros_like(weight) for weight in expected]
    for step in range(4):
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (net(x) - x[:, :2]).square().mean().backward()
        gradients = [parameter.grad for parameter in net.parameters()]
        both = [slow_step(*each) for each in zip(expected, gradients, momenta, strict=True)]  # type: ignore[arg-type]
        expected, momenta = [weight for weight, _ in both], [momentum for _, momentum in both]
        optimizer.step()
        for found, wanted in zip(net.parameters(), expected, strict=True):
            torch.testing.assert_close(found.detach(), wanted)


def test_lars_refuses_and_skips() -> None:
    net = network()
    for wrong in ({"lr": -1.0}, {"lr": 1.0, "momentum": 1.0}, {"lr": 1.0, "trust": 0.0}):
        with pytest.raises(ValueError, match="expected lr >= 0"):
            LARS(net.parameters(), **wrong)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    LARS(net.parameters(), lr=1.0).step()  # nothing has a gradient
    assert all(torch.equal(*pair) for pair in zip(net.parameters(), before, strict=True))


@pytest.mark.parametrize("name", list(MOMENTS))
def test_a_stored_optimiser_must_fit(name: str) -> None:
    net = network()
    optimizer = make_optimizer(Training("run", optimizer=name), net)  # type: ignore[arg-type]
    check_moments(optimizer, name)
    net(torch.randn(4, 6)).sum().backward()
    optimizer.step()
    check_moments(optimizer, name)
    (moment, *_) = MOMENTS[name]
    optimizer.state[net[0].weight][moment] = torch.zeros(6, 5)  # type: ignore[index]
    with pytest.raises(ValueError, match=rf"{moment} of shape \(6, 5\) for \(5, 6\)"):
        check_moments(optimizer, name)
    optimizer.state[net[0].weight] = {"step": torch.tensor(1.0)}  # type: ignore[index]
    with pytest.raises(KeyError):
        check_moments(optimizer, name)


def test_the_rate_falls_at_milestones() -> None:
    rates = [learning_rate_at(step, 2000, highest=1.0, warmup=0, schedule="step") for step in range(1, 2001)]
    assert [step for step in range(1, 2000) if rates[step] < rates[step - 1]] == [1200, 1600]
    assert rates[0] == 1.0
    assert rates[1600] == pytest.approx(0.01)
    assert learning_rate_at(5, 10, highest=1.0, warmup=0, schedule="step", milestones=[]) == 1.0


def test_settings_that_do_not_go_together() -> None:
    for message, changes in {
        "--bn_splits and --symmetric_loss are settings of --method moco, got byol": {"bn_splits": 2},
        "--bn_splits 3 should divide the 256 items": {"method": "moco", "bn_splits": 3},
        "--bn_splits 8 should divide the 8 items": {"method": "moco", "bn_splits": 8, "accumulate": 32},
        "--milestones should be shares of the training in rising order, got 0.8 0.6": {"milestones": [0.8, 0.6]},
        "--milestones should be from 0 to 1": {"milestones": [120.0]},
        "--sgd_momentum should be below 1": {"sgd_momentum": 1.0},
        "--parametrization mup has no rates for --optimizer lars": {"parametrization": "mup", "optimizer": "lars"},
    }.items():
        with pytest.raises(ValueError, match=message):
            Training("run", **changes)  # type: ignore[arg-type]
