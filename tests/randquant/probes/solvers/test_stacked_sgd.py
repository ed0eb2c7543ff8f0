"""SGD over many classifiers equals torch's for each alone, with lanes that rest and a rate that changes."""

import math
from typing import Any

import pytest
import torch

from randquant.data.features import Features
from randquant.probes import linear
from randquant.probes.solvers.lanes import LinearSettings
from randquant.probes.solvers.stacked_sgd import StackedSGD


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_each_lane_and_rate_moves_as_by_torch(weight_decay: float) -> None:
    rates = [0.1, 0.3]
    start = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    stacked = StackedSGD([start.clone()], rates, weight_decay)
    alone = [[start[lane, rate].clone().requires_grad_() for rate in range(2)] for lane in range(3)]
    theirs = [
        [
            torch.optim.SGD([alone[lane][rate]], rates[rate], momentum=0.9, weight_decay=weight_decay)
            for rate in range(2)
        ]
        for lane in range(3)
    ]
    for step, lanes in enumerate(([0, 1, 2], [0, 2], [0, 1, 2])):
        gradient = torch.randn(len(lanes), 2, 4, 5, dtype=torch.float64)
        stacked.factor = 0.5**step
        stacked.step([gradient.clone()], None if len(lanes) == 3 else lanes)
        for place, lane in enumerate(lanes):
            for rate in range(2):
                theirs[lane][rate].param_groups[0]["lr"] = rates[rate] * 0.5**step
                alone[lane][rate].grad = gradient[place, rate].clone()
                theirs[lane][rate].step()
    expected = torch.stack([torch.stack(list(each)) for each in alone])
    assert torch.allclose(stacked.parameters[0], expected)
    stacked.keep([2], [1])
    assert torch.allclose(stacked.parameters[0], expected[2:, 1:])


def test_a_linear_probe_by_sgd_learns_at_rates_that_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    step = StackedSGD.step

    def noted(self: StackedSGD, *given: Any) -> None:
        seen.append(self.factor)
        step(self, *given)

    monkeypatch.setattr(StackedSGD, "step", noted)
    classes = torch.arange(90) % 3
    vectors = (torch.eye(3)[classes] * 4 + torch.randn(90, 3)).numpy()
    splits = [("train", "valid", "test")[number // 30] for number in range(90)]
    labels = [str(int(each)) for each in classes]
    features = Features(vectors, [str(number) for number in range(90)], labels, [None] * 90, splits)
    settings = LinearSettings((0.4,), 0.0, 1024, 4, 4, 1, optimizer="sgd", schedule="cosine")
    outcome = linear.evaluate(features, settings)
    assert outcome.numbers.accuracy > 0.8
    assert seen == pytest.approx([(1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)])
