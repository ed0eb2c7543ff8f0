"""The teacher that follows a student: an exponential moving average (EMA) of its parameters."""

import copy
import math

import torch
from torch import Tensor, nn

from randquant.ssl.choices import Schedule


class MomentumTeacher(nn.Module):
    """A copy of `student` whose parameters are an average over training and receive no gradient.

    Only parameters are averaged, as in BYOL-A; buffers such as batch-norm statistics evolve by the teacher's own
    forward passes in training mode.
    """

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(student).requires_grad_(False)

    @torch.no_grad()
    def update(self, student: nn.Module, momentum: float) -> None:
        """teacher <- momentum * teacher + (1 - momentum) * student; call it right after the optimiser's step."""
        teacher: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(teacher, [parameter.detach() for parameter in student.parameters()], 1.0 - momentum)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """The teacher's output for x, without gradient."""
        return self.network(x)


def momentum_at(step: int, steps: int, *, base: float, schedule: Schedule) -> float:
    """The momentum for a step: `base` throughout, or rising from `base` to 1 along half a cosine (BYOL).

    >>> [round(momentum_at(step, 100, base=0.99, schedule="cosine"), 4) for step in (0, 50, 100)]
    [0.99, 0.995, 1.0]
    """
    if schedule == "constant":
        return base
    return 1.0 - (1.0 - base) * (math.cos(math.pi * step / max(steps, 1)) + 1.0) / 2.0
