"""The learning rate of every step."""

import math

import torch

from randquant.ssl.momentum import Schedule


def learning_rate_at(step: int, steps: int, *, highest: float, warmup: int, schedule: Schedule) -> float:
    """The rate of step 1..steps: linear warm-up, then constant or half a cosine down to zero.

    >>> [round(learning_rate_at(step, 110, highest=1.0, warmup=10, schedule="cosine"), 3) for step in (1, 10, 60, 110)]
    [0.1, 1.0, 0.5, 0.0]
    """
    if step <= warmup:
        return highest * step / warmup
    if schedule == "constant":
        return highest
    done = (step - warmup) / max(steps - warmup, 1)
    return highest * 0.5 * (1.0 + math.cos(math.pi * done))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group of parameters this rate times its own `scale`, which is 1 where it has none."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
