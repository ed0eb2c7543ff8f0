"""The metrics of a step: loss, collapse, speed, and kNN accuracy."""

import sys
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from randquant.cli.terminal import say
from randquant.ssl.collapse import effective_rank, spread
from randquant.training.task import Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

COLLAPSED = 0.05  # `spread` below this is reported


def measured(loss: Tensor, projections: Tensor, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Loss, rate, and the two numbers on which collapse is watched, which warn where it is near."""
    wide = spread(projections)
    group = optimizer.param_groups[0]
    if float(wide) < COLLAPSED:
        say(f"warning: projections have nearly collapsed (spread {float(wide):.4f})", file=sys.stderr)
    return {
        "loss": float(loss),
        "learning_rate": group["lr"] / group.get("scale", 1.0),
        "spread": float(wide),
        "effective_rank": float(effective_rank(projections[:512])),
    }


def monitored(task: Task, encoder: nn.Module, fabric: "Fabric") -> dict[str, float]:
    """Evaluate an encoder as it is. Only the first process does; the others wait at the next collective."""
    if task.monitor is None or not fabric.is_global_zero:
        return {}
    encoder.eval()
    with torch.no_grad():
        numbers = task.monitor(encoder, fabric.device)
    encoder.train()
    return numbers


class Throughput:
    """Items a second between two readings, monitoring and saving included."""

    def __init__(self) -> None:
        self.began, self.items = time.perf_counter(), 0

    def add(self, items: int) -> None:
        """Count what a step took."""
        self.items += items

    def read(self) -> dict[str, float]:
        """The rate since the last reading; the device has done the work that was counted."""
        now = time.perf_counter()
        rate = self.items / max(now - self.began, 1e-9)
        self.began, self.items = now, 0
        return {"items_per_second": rate}
