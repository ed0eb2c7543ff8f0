"""What is highest among the edges of every point, on a CPU, without a tensor of all edges."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from randquant.kernels.edges import Edges


def highest_edges(
    near: Tensor, edges: Edges, centre: Tensor, sign: Tensor, *, counted: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The highest of near[neighbour] + centre over the neighbours, by channel, without a tensor of all edges.

    Args:
        near: (B, N, C) float32, C a multiple of 16; or any rows (..., C) that the edges name.
        edges: of points (B, M).
        centre: (B, M, C).
        sign: (C,), 1, or -1 where the lowest is meant.
        counted: whether mean and variance of all edges are asked for.

    Returns:
        (B, M, C); and mean and variance (C,) over all edges, zeros where they are not asked for. Of equally high edges
        the first gets the gradient.
    """
    found: tuple[Tensor, Tensor, Tensor] = _HighestEdges.apply(near, edges, centre, sign, counted)
    return found


class _HighestEdges(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, near: Tensor, edges: Edges, centre: Tensor, sign: Tensor, counted: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        from randquant.kernels.compiled.highest import highest

        near, centre = near.contiguous(), centre.contiguous()
        shift = edges.shift(near, centre)
        out, slots = torch.empty_like(centre), torch.empty_like(centre)
        sums = near.new_zeros(edges.clouds if counted else 0, 2, near.shape[-1], dtype=torch.float64)
        edges.over_clouds(highest, (near, centre, shift, sign), (out, slots, sums))
        mean, variance = edges.mean_and_variance(sums, shift) if counted else torch.zeros(2, near.shape[-1])
        ctx.save_for_backward(near, centre, slots, mean)
        ctx.edges = edges  # type: ignore[attr-defined]
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, Tensor, None, None]:
        from randquant.kernels.compiled.highest import highest_backward

        near, centre, slots, mean = ctx.saved_tensors  # type: ignore[attr-defined]
        of_highest, of_mean, of_variance = gradients
        edges: Edges = ctx.edges  # type: ignore[attr-defined]
        to_near, to_centre = torch.zeros_like(near), torch.empty_like(centre)
        tensors = near, centre, slots, of_highest, edges.per_edge(mean, of_mean, of_variance)
        edges.over_clouds(highest_backward, tensors, (to_near, to_centre))
        return to_near, None, to_centre, None, None
