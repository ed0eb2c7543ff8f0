"""Which slots of a cloud, and of neighbourhoods, stand in for those that were dropped."""

import torch
from torch import Tensor

from pointcloud.geometry import group


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


def kept_neighbours(neighbours: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (B, M) and neighbours (B, M, k) with every dropped slot replaced by a kept one of the same neighbourhood.

    A dropped centre becomes a copy of a kept one, neighbourhood and all; a dropped neighbour becomes the next nearer
    one that is kept, in the end the centre. So nothing of a dropped point reaches the batch statistics either. Where
    no centre is kept, all stay as they are.
    """
    at = kept_slots(kept[:, : neighbours.shape[1]])
    neighbours = group(neighbours, at)
    stays = kept.gather(1, neighbours.flatten(1)).view_as(neighbours)
    rank = torch.arange(neighbours.shape[2], device=kept.device)
    nearer = torch.where(stays, rank, -1).cummax(dim=2).values
    found = neighbours.gather(2, nearer.clamp(min=0))
    return at, torch.where(nearer < 0, at[..., None], found)
