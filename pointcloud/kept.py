"""Which slots of a cloud stand in for those that were dropped."""

import torch
from torch import Tensor


def kept_slots(kept: Tensor) -> Tensor:
    """A slot for every slot: itself where kept, else one that is kept, taking turns.

    Gathered by it, a cloud holds copies of kept points alone, so that a dropped one reaches neither a maximum nor the
    statistics of batch norm. A cloud that keeps nothing stays as it is.

    Args:
        kept: (B, N) bool.

    Returns:
        (B, N) int64.
    """
    slots = torch.arange(kept.shape[1], device=kept.device).expand_as(kept)
    kept_first = kept.to(torch.int8).argsort(dim=1, descending=True, stable=True)
    count = kept.sum(dim=1, keepdim=True)
    return torch.where(kept | (count == 0), slots, kept_first.gather(1, slots % count.clamp(min=1)))
