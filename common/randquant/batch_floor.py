"""Batches of at least so many: below, CPU libraries choose other kernels, which round otherwise."""

import torch
from torch import Tensor


def at_least(count: int, batch: Tensor) -> Tensor:
    """A batch (B, ...) with its first item repeated behind it where it has fewer than `count`.

    >>> at_least(4, torch.tensor([5, 6]))
    tensor([5, 6, 5, 5])
    """
    if torch.compiler.is_exporting():  # to a graph for batches of any size, which must not ask for it
        return batch
    missing = count - len(batch)
    return batch if missing <= 0 or not len(batch) else torch.cat([batch, batch[:1].expand(missing, *batch.shape[1:])])
