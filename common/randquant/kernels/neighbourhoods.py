"""Who is in a neighbourhood, on a CPU, by code that numba compiles.

Whoever asks has the plain form too, which is all there is without numba.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.kernels.chosen import kernel_for
from randquant.kernels.threads import over

_MANY = 1024  # points, from which on it pays to put them in another order


def takes_places(x: Tensor) -> bool:
    """Whether it does with these places, which are finite then."""
    return takes(x) and bool(x.isfinite().all())


def takes(x: Tensor) -> bool:
    """Whether compiled code computes with this tensor: numbers in single precision on a CPU that has numba."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or not x.numel():
        return False
    return not torch.compiler.is_exporting() and kernel_for(x, 2, gradient=False) is not None


def smallest(distances: Tensor, k: int, *, as_topk: bool) -> Tensor:
    """(..., k) int64 places of the k smallest of each row (..., N), in order; of equal ones the first.

    Args:
        distances: (..., N) float32.
        k: 1 to N.
        as_topk: rows where equal ones stand among the first k + 1 get the order that `torch.topk` gives them. It always
            serves rows with fewer than k + 1 numbers below infinity.
    """
    from randquant.kernels.compiled import neighbours as compiled

    rows = distances.detach().reshape(-1, distances.shape[-1])
    found, doubt = torch.empty(len(rows), k, dtype=torch.int64), torch.empty(len(rows), dtype=torch.uint8)
    arguments = rows.numpy(), k, found.numpy(), doubt.numpy()
    over(len(rows), rows.numel(), 1, lambda first, last: compiled.smallest(*arguments, first, last))
    open_ = (doubt != compiled.DECIDED if as_topk else doubt == compiled.MISSING).nonzero()[:, 0]
    if len(open_):
        found[open_] = rows[open_].topk(k, dim=-1, largest=False).indices
    return found.view(*distances.shape[:-1], k)


def nearest(queries: Tensor, points: Tensor, k: int, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    """The places (B, M, k) int64 of the k points nearest to each query, nearest first; and which are in doubt (B, M).

    In doubt are those where equally near ones stand among the k + 1 nearest, whose order is PyTorch's, and those with
    fewer than k + 1 points, where the cloud has as many.

    Args:
        queries: (B, M, 3) float32, finite.
        points: (B, N, 3) likewise.
        k: 1 to N.
        kept: (B, N) bool, the points that are looked among; all where None.
    """
    from randquant.kernels.compiled import nearby

    clouds, count = queries.shape[:2]
    found, doubt = torch.empty(clouds, count, k, dtype=torch.int64), torch.empty(clouds, count, dtype=torch.uint8)
    places, arranged = queries.detach().contiguous().numpy(), _arranged(points, kept, points.shape[1] >= _MANY)
    results = (k, points.shape[1]), _fused(), found.numpy(), doubt.numpy()
    _over_queries(queries, points, lambda first, last: nearby.nearest(places, *arranged, *results, first, last))
    return found, doubt != 0


def in_ball(queries: Tensor, points: Tensor, limit: float, k: int) -> Tensor:
    """(B, M, k) int64 places of the first k points that are not farther than the limit, filled up with the nearest.

    Args:
        queries: (B, M, 3) float32, finite.
        points: (B, N, 3) likewise.
        limit: squared distance.
        k: at least 1.
    """
    from randquant.kernels.compiled import nearby

    found = torch.empty(*queries.shape[:2], k, dtype=torch.int64)
    # Without boxes, since a ball of the first k is full before all points are looked at, where there are many.
    places, (columns, _, _) = queries.detach().contiguous().numpy(), _arranged(points, None, False)
    results = np.float32(limit), k, _fused(), found.numpy()
    _over_queries(queries, points, lambda first, last: nearby.in_ball(places, columns, *results, first, last))
    return found


def _over_queries(queries: Tensor, points: Tensor, work: Callable[[int, int], None]) -> None:
    rows = queries.shape[0] * queries.shape[1]
    over(rows, rows * points.shape[1], 1, work)


def _arranged(points: Tensor, kept: Tensor | None, boxed: bool) -> tuple[NDArray, NDArray, NDArray]:
    """Coordinates (B, 3, places), which points these are (B, places) and boxes (B, 6, blocks) around blocks of them."""
    from randquant.kernels.compiled import nearby

    clouds, total = points.shape[:2]
    blocks = -(-total // (nearby.BLOCK * nearby.WIDTH)) * nearby.WIDTH if boxed else 0
    places = blocks * nearby.BLOCK or -(-total // nearby.WIDTH) * nearby.WIDTH
    columns, boxes = (np.empty((clouds, *shape), dtype=np.float32) for shape in ((3, places), (6, blocks)))
    order = np.empty((clouds, places), dtype=np.int64)
    counted = np.empty((0, 0), dtype=bool) if kept is None else kept.contiguous().numpy()
    cloud = points.detach().contiguous().numpy()
    over(
        clouds,
        points.numel(),
        1,
        lambda first, last: nearby.arrange(cloud, counted, blocks, columns, order, boxes, first, last),
    )
    return columns, order, boxes


@cache
def _fused() -> bool:
    """Whether PyTorch rounds a product and its sum with a third number once, as it sums up squared distances."""
    x = torch.arange(1, 65) / 7
    square = x * x
    return not torch.equal(square.addcmul(x, x), square + square)
