"""Replacements for dropped points, in clouds and in neighbourhoods."""

import torch
from torch import Tensor

from randquant.pointcloud.points.geometry import group

SPARE = 2  # neighbours found beforehand for each that is taken, so that there are enough where points are dropped


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


def kept_neighbours(neighbours: Tensor, kept: Tensor | None, count: int) -> tuple[Tensor, Tensor]:
    """The nearest `count` of every neighbourhood that are kept, so that a thinned cloud has wider neighbourhoods.

    That is what an encoder meets that is given the thinned cloud alone. Lists of more than `count` give it room: beyond
    their end, the farthest kept one is repeated, or the centre itself where none is kept. A dropped centre becomes a
    copy of a kept one, neighbourhood and all, so that nothing of a dropped point reaches the batch statistics either.
    Where no centre is kept, all stay as they are.

    Args:
        neighbours: (B, M, k) int64 slots, nearest first; the centres are the first M slots.
        kept: (B, N) bool; None keeps all.
        count: neighbours to take, at most k.

    Returns:
        Centres (B, M) and neighbours (B, M, count), slots.
    """
    if kept is None:
        slots = torch.arange(neighbours.shape[1], device=neighbours.device)
        return slots.expand(neighbours.shape[:2]), neighbours[..., :count]
    at = kept_slots(kept[:, : neighbours.shape[1]])
    neighbours = group(neighbours, at)
    stays = kept.gather(1, neighbours.flatten(1)).view_as(neighbours)
    rank = stays.cumsum(dim=2)
    # Kept ones in front, in their order; the others, and those that are too many, land in the extra last column.
    column = torch.where(stays & (rank <= count), rank - 1, count)
    front = neighbours.new_zeros(*neighbours.shape[:2], count + 1).scatter(2, column, neighbours)
    last = rank[..., -1:].clamp(max=count) - 1
    taken = torch.arange(count, device=kept.device).minimum(last)
    return at, torch.where(last < 0, at[..., None], front.gather(2, taken.clamp(min=0)))
