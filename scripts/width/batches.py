"""The batches of a study of widths, the same for all widths: views of stored items, or of random ones."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from randquant.training.batches import Batches
from randquant.training.settings import Training
from randquant.training.task import Task
from randquant.views import ViewSet

Batch = tuple[ViewSet, Tensor]  # views, and the group of each item
BatchOf = Callable[[int, int], Batch]  # seed and step
ITEMS = 2048  # random ones
NOISE = 0.5  # in a view of a random item, whose own numbers have a standard deviation of 1


def random_batches(shape: Sequence[int], batch_size: int) -> BatchOf:
    """Items of normal numbers, drawn by the seed, in two views with noise of their own."""

    @cache
    def items(seed: int) -> Tensor:
        return torch.randn(ITEMS, *shape, generator=torch.Generator().manual_seed(seed))

    def batch_of(seed: int, step: int) -> Batch:
        draw = _generator(seed, step)
        chosen = torch.randperm(ITEMS, generator=draw)[:batch_size]
        x = items(seed)[chosen]
        return ViewSet([x + NOISE * torch.randn(x.shape, generator=draw) for _ in range(2)]), chosen

    return batch_of


def stored_batches(task: Task, settings: Training) -> BatchOf:
    """Stored items in the views of a training with these settings."""

    @cache
    def batches(seed: int) -> Batches:
        return Batches(task.source, settings.batch_size, seed=seed, rank=0, world=1, workers=0, pin=False)

    def batch_of(seed: int, step: int) -> Batch:
        raw, groups = batches(seed)[step]
        with torch.no_grad():
            return ViewSet.of(task.make_views(raw, generator=_generator(seed, step))), groups

    return batch_of


def _generator(seed: int, step: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed << 32 | step)
