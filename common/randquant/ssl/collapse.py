"""Measures of representation collapse, which fall towards zero or one when it happens."""

import torch
from torch import Tensor
from torch.nn import functional as F


@torch.no_grad()
def spread(projections: Tensor) -> Tensor:
    """Mean standard deviation of the normalised projections (n, P), times sqrt(P): near 1 is healthy, 0 is collapse."""
    return F.normalize(projections.float(), dim=-1).std(dim=0).mean() * projections.shape[1] ** 0.5


@torch.no_grad()
def effective_rank(projections: Tensor) -> Tensor:
    """exp(entropy of the normalised singular values) of the centred projections (n, P): how many directions are used.

    Source: Roy and Vetterli, "The effective rank", EUSIPCO 2007.

    >>> round(float(effective_rank(torch.eye(4))), 2)
    3.0
    """
    values = torch.linalg.svdvals(projections.float() - projections.float().mean(dim=0))
    share = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    return torch.special.entr(share).sum().exp()
