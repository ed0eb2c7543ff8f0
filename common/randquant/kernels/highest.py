"""What is highest among the edges of every point, on a CPU, without a tensor of all edges."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from randquant.kernels.threads import over

LANES = 16  # channels are a multiple of it


def highest_edges(
    near: Tensor, index: Tensor, centre: Tensor, sign: Tensor, *, counted: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The highest of near[neighbour] + centre over the neighbours, by channel, without a tensor of all edges.

    Args:
        near: (B, N, C) float32, C a multiple of 16.
        index: (B, M, k) int64, neighbours of each point.
        centre: (B, M, C).
        sign: (C,), 1, or -1 where the lowest is meant.
        counted: whether mean and variance of all edges are asked for.

    Returns:
        (B, M, C); and mean and variance (C,) over all edges, zeros where they are not asked for. Of equally high edges
        the first gets the gradient.
    """
    found: tuple[Tensor, Tensor, Tensor] = _HighestEdges.apply(near, index, centre, sign, counted)
    return found


class _HighestEdges(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, near: Tensor, index: Tensor, centre: Tensor, sign: Tensor, counted: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        from randquant.kernels.compiled.highest import highest

        near, index, centre = near.contiguous(), index.contiguous(), centre.contiguous()
        (clouds, points, k), channels = index.shape, near.shape[2]
        sizes = near.shape[1], points, k, channels
        # Edges are summed up around one of them, so that large means leave the variance its digits.
        shift = near[0, index[0, 0, 0]] + centre[0, 0]
        out, slots = torch.empty_like(centre), torch.empty_like(centre)
        sums = near.new_zeros(clouds if counted else 0, 2, channels, dtype=torch.float64)
        arrays = [each.detach().numpy().reshape(-1) for each in (near, index, centre, shift, sign)]
        results = [each.numpy().reshape(-1) for each in (out, slots, sums)]
        over(
            clouds,
            index.numel() * channels,
            1,
            lambda first, last: highest(*arrays, sizes, *results, first, last),
        )
        edges = index.numel()
        total, squares = sums.sum(dim=0) / edges
        mean, variance = (total + shift if counted else total), (squares - total * total).clamp_min(0.0)
        mean, variance = mean.to(near.dtype), variance.to(near.dtype)
        ctx.save_for_backward(near, index, centre, slots, mean)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, Tensor, None, None]:
        from randquant.kernels.compiled.highest import highest_backward

        near, index, centre, slots, mean = ctx.saved_tensors  # type: ignore[attr-defined]
        of_highest, of_mean, of_variance = gradients
        (clouds, points, k), channels = index.shape, near.shape[2]
        edges = index.numel()
        per_channel = torch.stack([mean, of_mean / edges, of_variance * (2.0 / edges)])
        to_near, to_centre = torch.zeros_like(near), torch.empty_like(centre)
        tensors = near, index, centre, slots, of_highest.contiguous(), per_channel
        arrays = [each.detach().numpy().reshape(-1) for each in tensors]
        results = [each.numpy().reshape(-1) for each in (to_near, to_centre)]
        sizes = near.shape[1], points, k, channels
        over(
            clouds,
            index.numel() * channels,
            1,
            lambda first, last: highest_backward(*arrays, sizes, *results, first, last),
        )
        return to_near, None, to_centre, None, None
