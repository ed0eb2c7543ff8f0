"""The maximum over a neighbourhood of what batch norm makes of its edges, on a CPU without a tensor of all edges.

Batch norm rises or falls with its input, channel by channel, so the highest or the lowest edge is found first, and only
that is normalised. The statistics are those of all edges.
"""

from typing import TypeGuard

import torch
from torch import Tensor, nn

from randquant.kernels.highest import LANES, highest_edges
from randquant.kernels.neighbourhoods import takes

_Norm = nn.BatchNorm1d | nn.BatchNorm2d


def takes_edges(norm: nn.Module, near: Tensor, index: Tensor) -> TypeGuard[_Norm]:
    """Whether `highest_normed` takes a norm, and neighbours (B, N, C) with their places (B, M, k)."""
    if type(norm) not in (nn.BatchNorm1d, nn.BatchNorm2d) or near.shape[2] % LANES or index.numel() < 2:
        return False
    assert isinstance(norm, _Norm)
    plain = norm.affine and norm.track_running_stats and norm.momentum is not None
    return plain and norm.weight.dtype == near.dtype and takes(near)


def highest_normed(norm: _Norm, near: Tensor, index: Tensor, centre: Tensor) -> Tensor:
    """The maximum over neighbours of norm(near[neighbour] + centre).

    Args:
        norm: of the channels; in training it keeps its running statistics.
        near: (B, N, C).
        index: (B, M, k) int64 places among the N.
        centre: (B, M, C).

    Returns:
        (B, M, C), equal to the plain form but for the order of sums. Of equally high edges the first gets the gradient.
    """
    sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
    highest, mean, variance = highest_edges(near, index, centre, sign, counted=norm.training)
    if norm.training:
        _keep_statistics(norm, mean.detach(), variance.detach(), index.numel())
    else:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean, variance = norm.running_mean, norm.running_var
    return (highest - mean) * (norm.weight * (variance + norm.eps).rsqrt()) + norm.bias


@torch.no_grad()
def _keep_statistics(norm: _Norm, mean: Tensor, variance: Tensor, edges: int) -> None:
    """The running ones, as batch norm keeps them."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (edges / (edges - 1)), norm.momentum)
