"""What two views of a crop share, as far as an encoder sees it: can one be found by the other?"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from randquant.ssl.infonce import info_nce, own_and_negatives

_TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5)


class Shared(NamedTuple):
    """What two views share.

    Attributes:
        found: share of the crops whose second view is the nearest one to their first, among those of the candidates.
        chance: the same of a blind guess.
        bits: a lower bound of the information they share, at most log2 of the number of candidates.
    """

    found: float
    chance: float
    bits: float


def shared(first: Tensor, second: Tensor, groups: Tensor | None = None) -> Shared:
    """What the embeddings of two views share.

    Args:
        first: (B, D).
        second: (B, D), of the same crops.
        groups: (B,) int64, their recordings: candidates are the crops of the same recording, or of all that have no
            other crop; None: all.

    Source: the bound is that of InfoNCE, van den Oord et al., arXiv 1807.03748; the best of five temperatures.

    >>> shared(torch.eye(8), torch.eye(8)).found
    1.0
    """
    first, second = _standardised(first, second)
    everyone = torch.ones(len(first), len(first), dtype=torch.bool)
    candidates = everyone if groups is None else own_and_negatives(groups)
    cosines = torch.nn.functional.normalize(first, dim=1) @ torch.nn.functional.normalize(second, dim=1).T
    nearest = cosines.masked_fill(~candidates, -2.0).argmax(dim=1)
    counts = candidates.sum(dim=1).double()
    losses = [float(info_nce(first, second, temperature=each, candidates=candidates)) for each in _TEMPERATURES]
    bound = float(counts.log().mean()) - min(losses)
    found = (nearest == torch.arange(len(first))).double().mean()
    return Shared(float(found), float((1.0 / counts).mean()), max(bound, 0.0) / math.log(2.0))


def _standardised(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Each dimension by its mean and deviation over both, or the largest one decides every cosine."""
    std, mean = torch.std_mean(torch.cat([first, second]).float(), dim=0, correction=0)
    std = std.clamp(min=1e-6)
    return (first.float() - mean) / std, (second.float() - mean) / std
