"""A training whose randomness is its batches alone, as a command: `python -m ... RUN DEVICES METHOD HEAD`."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from randquant.training.setup import pretrain
from randquant.training.task import Task
from tests.randquant.training.test_loop import Rows, settings

STEPS = 12


class Shifted(nn.Module):
    """Two views without a draw: the rows, and the rows shifted by a place."""

    def forward(self, batch: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        return [batch, batch.roll(1, dims=1)]


def task(device: torch.device) -> Task:
    """An encoder without batch norm."""
    encoder = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16))

    def save(path: Path, trained: nn.Module, step: int) -> None:
        torch.save({"step": step, **trained.state_dict()}, path)

    return Task(Rows(), Shifted(), encoder, 16, save, None, {"rows": "24 x 8"})


def train(run: Path, devices: int, method: str, head: str) -> None:
    """Some steps of eight rows, each of them logged; Adam would make steps of gradients that are rounding alone."""
    pretrain(settings(run, steps=STEPS, devices=devices, method=method, head=head, optimizer="sgd", log_every=1), task)


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
