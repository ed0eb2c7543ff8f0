"""What batch norm makes of the edges of neighbourhoods, on a CPU.

It rises or falls with its input, channel by channel, so for a maximum over neighbours the highest or the lowest edge is
found first, and only that is normalised. The statistics are those of all edges.
"""

from typing import TypeGuard

import torch
from torch import Tensor, nn

from randquant.kernels.edges import LANES, Edges, mean_and_variance, normed_edges
from randquant.kernels.highest import highest_edges
from randquant.kernels.neighbourhoods import takes

_Norm = nn.BatchNorm1d | nn.BatchNorm2d


def takes_edges(norm: nn.Module, near: Tensor, index: Tensor) -> TypeGuard[_Norm]:
    """Whether the functions below take a norm, and neighbours (B, N, ...) with their places (B, M, k)."""
    if type(norm) not in (nn.BatchNorm1d, nn.BatchNorm2d) or index.numel() < 2:
        return False
    assert isinstance(norm, _Norm)
    plain = norm.affine and norm.track_running_stats and norm.momentum is not None and norm.num_features % LANES == 0
    return plain and norm.weight.dtype == near.dtype and takes(near)


def highest_normed(norm: _Norm, near: Tensor, edges: Edges, centre: Tensor) -> Tensor:
    """The maximum over neighbours of norm(near[neighbour] + centre).

    Args:
        norm: of the channels; in training it keeps its running statistics.
        near: (B, N, C), or the rows (..., C) that the edges name.
        edges: of points (B, M).
        centre: (B, M, C).

    Returns:
        (B, M, C), equal to the plain form but for the order of sums. Of equally high edges the first gets the gradient.
    """
    sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
    highest, mean, variance = highest_edges(near, edges, centre, sign, counted=norm.training)
    mean, scale = _mean_and_scale(norm, mean, variance, edges.total)
    return (highest - mean) * scale + norm.bias


def positive_normed(norm: _Norm, near: Tensor, edges: Edges, centre: Tensor) -> Tensor:
    """What of norm(near[neighbour] + centre) is above zero: (E, C), a row an edge; arguments as above."""
    mean, variance = mean_and_variance(near, centre, edges) if norm.training else (norm.bias, norm.bias)
    mean, scale = _mean_and_scale(norm, mean, variance, edges.total)
    return normed_edges(near, centre, torch.stack([mean, scale, norm.bias]), edges)


def _mean_and_scale(norm: _Norm, mean: Tensor, variance: Tensor, edges: int) -> tuple[Tensor, Tensor]:
    """By which it normalises: of the edges, which it then keeps, in training; else what it has kept."""
    if norm.training:
        _keep_statistics(norm, mean.detach(), variance.detach(), edges)
    else:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean, variance = norm.running_mean, norm.running_var
    return mean, norm.weight * (variance + norm.eps).rsqrt()


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
