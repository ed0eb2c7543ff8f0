"""The learning rate of every step."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

RateSchedule = Literal["constant", "cosine", "step"]
FALL = 0.1  # of the rate at a milestone


def learning_rate_at(
    step: int,
    steps: int,
    *,
    highest: float,
    warmup: int,
    schedule: RateSchedule,
    milestones: Sequence[float] = (0.6, 0.8),
) -> float:
    """The rate of a step: linear warm-up, then constant, or half a cosine down to zero, or falling at milestones.

    >>> [round(learning_rate_at(step, 110, highest=1.0, warmup=10, schedule="cosine"), 3) for step in (1, 10, 60, 110)]
    [0.1, 1.0, 0.5, 0.0]

    Args:
        step: counted from 1.
        steps: of the training.
        highest: the rate after the warm-up.
        warmup: its steps.
        schedule: "step" multiplies the rate by 0.1 at each milestone.
        milestones: shares of the training after which it falls; 0.6 and 0.8 are MoCo's epochs 120 and 160 of 200.
    """
    if step <= warmup:
        return highest * step / warmup
    if schedule == "constant":
        return highest
    if schedule == "step":
        return highest * FALL ** sum(step > round(share * steps) for share in milestones)
    done = (step - warmup) / max(steps - warmup, 1)
    return highest * 0.5 * (1.0 + math.cos(math.pi * done))


def set_learning_rate(optimizer: "torch.optim.Optimizer", rate: float) -> None:
    """Give each group of parameters this rate times its own `scale`, which is 1 where it has none."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
