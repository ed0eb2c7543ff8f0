"""Which items a training step reads: a function of (seed, step, process), never of loader state."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from randquant.cli.counted import counted
from randquant.errors import UsageError

Raw = Tensor | tuple[Tensor, ...]  # what a modality's `MakeViews` takes


class Source(Protocol):
    """Where a modality's bytes come from; nothing here computes."""

    def __len__(self) -> int:
        """Items an epoch."""

    def order(self, generator: np.random.Generator) -> NDArray[np.integer]:
        """The positions of an epoch in the order they are trained on: a random permutation of range(len)."""

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Raw:
        """Raw batch for these positions of the epoch, the same in any process."""

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The recording or object that the item at each position is a part of."""


Batch = tuple[Raw, Tensor]  # raw items, and the group (B,) int64 of each


class Batches(Dataset[Batch]):
    """Raw batches by step number: item `s` is the whole batch of step `s` (counted from zero) for this process.

    Args:
        source: the items.
        batch_size: items a step, over all processes; a last incomplete batch of an epoch is left out.
        seed: of the order.
        rank, world: number of this process, and of all.
        workers: loader processes; 0 reads one batch ahead in a thread.
        pin: copy batches to pinned memory, for a GPU.

    Raises:
        UsageError: an epoch has fewer items than a batch.
    """

    def __init__(
        self, source: Source, batch_size: int, *, seed: int, rank: int, world: int, workers: int, pin: bool
    ) -> None:
        self.source, self.seed, self.rank, self.world = source, seed, rank, world
        self.workers, self.pin = workers, pin
        self.local = batch_size // world
        self.steps_an_epoch = len(source) // (self.local * self.world)
        if self.steps_an_epoch == 0:
            had = f"--batch_size {batch_size} is larger than the {counted(len(source), 'items')} an epoch has"
            remedy = "lower it" if len(source) >= 2 * world else f"give data of {2 * world} or more, two a device"
            raise UsageError(f"{had}; {remedy}.")
        self._order: tuple[int, NDArray[np.integer]] | None = None

    def __getitem__(self, step: int) -> Batch:
        epoch, place = divmod(step, self.steps_an_epoch)
        first = (place * self.world + self.rank) * self.local
        positions = self._permutation(epoch)[first : first + self.local].astype(np.int64)
        return self.source.fetch(positions, epoch), torch.from_numpy(self.source.groups(positions))

    def between(self, start: int, stop: int) -> Generator[Batch, None, None]:
        """The batches of steps start, ..., stop - 1; close it to end what reads ahead."""
        steps = range(start, stop)
        if self.workers == 0:
            return _read_ahead(self, steps)
        loader = DataLoader(
            self,
            sampler=steps,
            batch_size=None,
            num_workers=self.workers,
            pin_memory=self.pin,
            collate_fn=_as_it_is,  # type: ignore[arg-type]
        )
        return (_tupled(batch) for batch in loader)

    def _permutation(self, epoch: int) -> NDArray[np.integer]:
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, self.source.order(np.random.default_rng([self.seed, epoch]))
        return self._order[1]


def each_tensor(raw: Raw, change: Callable[[Tensor], Tensor]) -> Raw:
    """The same raw batch with every tensor changed."""
    return tuple(change(part) for part in raw) if isinstance(raw, tuple) else change(raw)


def _as_it_is(batch: Batch) -> Batch:
    """In place of the loader's own, which makes lists of tuples."""
    return batch


def _tupled(batch: Batch) -> Batch:
    """The loader's pinning makes lists of tuples too."""
    raw, groups = batch
    return (tuple(raw) if isinstance(raw, list) else raw), groups


def _read_ahead(batches: Batches, steps: range) -> Generator[Batch, None, None]:
    """Fetch the next batch in a thread while the current one trains; copying bytes releases the interpreter."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(batches.__getitem__, steps[0]) if len(steps) else None
        for following in [*steps[1:], None]:
            if pending is None:
                return
            batch = pending.result()
            pending = None if following is None else reader.submit(batches.__getitem__, following)
            yield (each_tensor(batch[0], Tensor.pin_memory), batch[1].pin_memory()) if batches.pin else batch
