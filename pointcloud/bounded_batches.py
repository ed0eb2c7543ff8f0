"""Batches of clouds that are bounded by their points together, and so by memory, whatever the sizes of the clouds."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

_Item = TypeVar("_Item")


def batch_points(device: str | torch.device) -> int:
    """Points a batch: enough to fill the device, little enough for its memory."""
    # DGCNN is the hungriest: 64 clouds of 1,024 points take 4 GB with 20 neighbours.
    return 2**15 if torch.device(device).type == "cpu" else 2**16


def bounded(items: Iterable[_Item], size: Callable[[_Item], int], most: int) -> Iterator[list[_Item]]:
    """Items in their order, in lists of at most `most` together; an item that is larger is alone.

    >>> list(bounded([3, 1, 2, 9, 1], lambda item: item, 5))
    [[3, 1], [2], [9], [1]]
    """
    batch: list[_Item] = []
    total = 0
    for item in items:
        if batch and total + size(item) > most:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
