"""Edges between points and their neighbours, on a CPU, by code that numba compiles.

An edge is the sum of a row of its neighbour and one of the point around which it lies, by channel, so that each row is
computed once however many edges it has.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from randquant.kernels.threads import over

LANES = 16  # channels are a multiple of it


class Edges(NamedTuple):
    """Whose neighbour is whose, in clouds of one size.

    Attributes:
        sources: (E,) int64 rows of the neighbours, point after point.
        starts: (B * M + 1,) int64, where the edges of each point begin.
        weights: (E,) float32, how often each edge counts.
        clouds: B.
        total: the sum of all weights.
    """

    sources: Tensor
    starts: Tensor
    weights: Tensor
    clouds: int
    total: int

    def over_clouds(self, kernel: object, tensors: tuple[Tensor, ...], results: tuple[Tensor, ...]) -> None:
        """Run compiled code: near, these edges, the other tensors, sizes, results."""
        near, *others = (tensor.detach().contiguous().numpy().reshape(-1) for tensor in tensors)
        arrays = near, *(tensor.numpy() for tensor in self[:3]), *others
        outputs = [result.numpy().reshape(-1) for result in results]
        channels = tensors[0].shape[-1]
        sizes = (len(self.starts) - 1) // self.clouds, channels
        over(
            self.clouds,
            len(self.sources) * channels,
            1,
            lambda first, last: kernel(*arrays, sizes, *outputs, first, last),  # type: ignore[operator]
        )

    def as_rows(self) -> "Edges":
        """The same where each edge has a row of its own."""
        return self._replace(sources=torch.arange(len(self.sources)))

    def shift(self, near: Tensor, centre: Tensor) -> Tensor:
        """(C,) one of the edges: edges are summed up around it, so that large means leave the variance its digits."""
        return near.view(-1, near.shape[-1])[self.sources[0]] + centre.view(-1, centre.shape[-1])[0]

    def mean_and_variance(self, sums: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """(C,) each, from sums (B, 2, C) of edges around `shift` and of their squares."""
        mean, squares = sums.sum(dim=0) / self.total
        variance = (squares - mean * mean).clamp_min(0.0)
        return (mean + shift).to(shift.dtype), variance.to(shift.dtype)

    def per_edge(self, mean: Tensor, of_mean: Tensor, of_variance: Tensor) -> Tensor:
        """(3, C): the mean, what the gradient of mean and variance gives to each edge, and for its distance from it."""
        return torch.stack([mean, of_mean / self.total, of_variance * (2.0 / self.total)])


def edges_of(index: Tensor, rows: int) -> Edges:
    """The edges of neighbours (B, M, k) int64, places among the `rows` of each cloud.

    Neighbours that repeat the last one, with which lists are filled up, become one edge that counts as often.
    """
    from randquant.kernels.compiled.edges import distinct

    clouds, points, k = index.shape
    sources, weights = torch.empty(index.numel(), dtype=torch.int64), torch.empty(index.numel())
    starts = torch.empty(clouds * points + 1, dtype=torch.int64)
    places = index.reshape(-1, k).contiguous().numpy()
    count = distinct(places, points, rows, sources.numpy(), starts.numpy(), weights.numpy())
    return Edges(sources[:count], starts, weights[:count], clouds, index.numel())


def mean_and_variance(near: Tensor, centre: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
    """(C,) each, over all edges of near (B, N, C) and centre (B, M, C), float32, C a multiple of 16."""
    found: tuple[Tensor, Tensor] = _Moments.apply(near, centre, edges)
    return found


def normed_edges(near: Tensor, centre: Tensor, norm: Tensor, edges: Edges) -> Tensor:
    """(E, C): what of (edge - norm[0]) * norm[1] + norm[2], norm (3, C), is above zero, a row an edge."""
    found: Tensor = _NormedEdges.apply(near, centre, norm, edges)
    return found


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, near: Tensor, centre: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
        from randquant.kernels.compiled.edges import moments

        shift = edges.shift(near, centre)
        sums = near.new_zeros(edges.clouds, 2, near.shape[-1], dtype=torch.float64)
        edges.over_clouds(moments, (near, centre, shift), (sums,))
        mean, variance = edges.mean_and_variance(sums, shift)
        ctx.save_for_backward(near, centre, mean)
        ctx.edges = edges  # type: ignore[attr-defined]
        return mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, of_mean: Tensor, of_variance: Tensor) -> tuple[Tensor, Tensor, None]:
        from randquant.kernels.compiled.edges import moments_backward

        near, centre, mean = ctx.saved_tensors  # type: ignore[attr-defined]
        edges: Edges = ctx.edges  # type: ignore[attr-defined]
        to_near, to_centre = torch.zeros(near.shape), torch.empty(centre.shape)
        per_edge = edges.per_edge(mean, of_mean, of_variance)
        edges.over_clouds(moments_backward, (near, centre, per_edge), (to_near, to_centre))
        return to_near, to_centre, None


class _NormedEdges(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, near: Tensor, centre: Tensor, norm: Tensor, edges: Edges) -> Tensor:
        from randquant.kernels.compiled.edges import normed

        out = torch.empty(len(edges.sources), near.shape[-1])
        edges.over_clouds(normed, (near, centre, norm), (out,))
        ctx.save_for_backward(near, centre, norm, out)
        ctx.edges = edges  # type: ignore[attr-defined]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        from randquant.kernels.compiled.edges import normed_backward

        near, centre, norm, out = ctx.saved_tensors  # type: ignore[attr-defined]
        edges: Edges = ctx.edges  # type: ignore[attr-defined]
        to_near, to_centre = torch.zeros(near.shape), torch.empty(centre.shape)
        sums = near.new_zeros(edges.clouds, 2, near.shape[-1], dtype=torch.float64)
        edges.over_clouds(normed_backward, (near, centre, norm, out, gradient), (to_near, to_centre, sums))
        of_bias, of_scale = sums.sum(dim=0).to(norm.dtype)
        return to_near, to_centre, torch.stack([-norm[1] * of_bias, of_scale, of_bias]), None
