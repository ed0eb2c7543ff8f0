"""Geometry of clouds: unit sphere, neighbours. Takes batches on any device, and draws nothing."""

import torch
from torch import Tensor

from randquant.kernels import neighbourhoods
from randquant.packed import PackedBatch
from randquant.pointcloud.points.segment import segment_reduce

_BLOCK = 1 << 22  # distances held at once
_NONE = 2**31 - 1  # the index of no point


def unit_sphere(points: Tensor) -> Tensor:
    """Clouds moved to their centroid and divided by their largest norm.

    Args:
        points: (..., N, 3) coordinates.

    Returns:
        (..., N, 3), the mean at the origin and the farthest point at distance 1; zeros where all points are equal.
    """
    moved = points - points[..., :1, :]  # exact zeros where all points are equal, which a mean need not give
    centred = moved - moved.mean(dim=-2, keepdim=True)
    radius = torch.linalg.vector_norm(centred, dim=-1, keepdim=True).amax(dim=-2, keepdim=True)
    return centred / radius.clamp_min(torch.finfo(points.dtype).tiny)


def unit_spheres(clouds: PackedBatch) -> Tensor:
    """`unit_sphere` of clouds of any size, packed (ΣN, 3); none may be empty. Summed up in double precision."""
    moved = (clouds.rows - clouds.first_rows()[clouds.cloud]).double()
    centred = moved - segment_reduce(moved, clouds.offsets, "mean")[clouds.cloud]
    distance = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    radius = segment_reduce(distance, clouds.offsets, "max").clamp_min(torch.finfo(clouds.rows.dtype).tiny)
    return (centred / radius[clouds.cloud]).to(clouds.rows.dtype)


def nearest_neighbours(queries: Tensor, points: Tensor, k: int, kept: Tensor | None = None) -> Tensor:
    """The `k` points nearest to each query, nearest first.

    A query that is one of the points has itself among them; of equally near ones any may come first.

    Args:
        queries: (B, M, 3) coordinates.
        points: (B, N, 3) coordinates.
        k: 1 to N.
        kept: (B, N) bool, the points that are looked among; all where None. Behind the last of them, in a cloud of
            fewer than k, the others follow.

    Returns:
        (B, M, k) int64 indices into `points`.

    Raises:
        ValueError: `k` is outside [1, N].
    """
    if not 1 <= k <= points.shape[-2]:
        raise ValueError(f"k should be between 1 and the {points.shape[-2]} points, got {k}")
    if not (neighbourhoods.takes_places(queries) and neighbourhoods.takes_places(points)):
        return _nearest(queries, points, k, kept)
    found, doubtful = neighbourhoods.nearest(queries, points, k, kept)
    for cloud in doubtful.any(dim=1).nonzero()[:, 0].tolist():
        rows, one = doubtful[cloud].nonzero()[:, 0], slice(cloud, cloud + 1)
        some = None if kept is None else kept[one]
        found[cloud, rows] = _nearest(queries[one, rows], points[one], k, some)[0]
    return found


def _nearest(queries: Tensor, points: Tensor, k: int, kept: Tensor | None) -> Tensor:
    """From blocks of distances."""
    found = []
    for part in _parts(queries, points):
        distances = squared_distances(part, points)
        if kept is not None:
            distances.masked_fill_(~kept[:, None], torch.inf)
        found.append(distances.topk(k, dim=-1, largest=False).indices)
    return torch.cat(found, dim=1)


def ball_query(queries: Tensor, points: Tensor, radius: float, k: int) -> Tensor:
    """The first `k` points, in their order, that lie within `radius` of each query.

    A ball of fewer is filled up with the point nearest to the query, an empty one is made of it alone. Where points
    lie in farthest-point order the first ones are spread over the ball. As in PointNet++ (Qi et al. 2017), which
    fills up with the first of the ball.

    Args:
        queries: (B, M, 3) coordinates.
        points: (B, N, 3) coordinates.
        radius: above 0, in units of the coordinates.
        k: at least 1; may exceed N.

    Returns:
        (B, M, k) int64 indices into `points`.

    Raises:
        ValueError: `radius` or `k` is out of range.
    """
    if radius <= 0 or k < 1:
        raise ValueError(f"radius should be above 0 and k at least 1, got {radius} and {k}")
    if neighbourhoods.takes_places(queries) and neighbourhoods.takes_places(points):
        return neighbourhoods.in_ball(queries, points, radius * radius, k)
    parts = [_in_ball(squared_distances(part, points), radius, k) for part in _parts(queries, points)]
    return torch.cat(parts, dim=1)


def _in_ball(distances: Tensor, radius: float, k: int) -> Tensor:
    total = distances.shape[-1]
    index = torch.arange(total, device=distances.device)
    outside = distances > radius * radius
    first = index.masked_fill(outside, _NONE).topk(k if k <= total else total, dim=-1, largest=False).values
    first = torch.nn.functional.pad(first, (0, k - first.shape[-1]), value=_NONE)
    return torch.where(first < total, first, distances.argmin(dim=-1, keepdim=True))


def squared_distances(queries: Tensor, points: Tensor) -> Tensor:
    """(B, M, N) squared distances of queries (B, M, 3) and points (B, N, 3), exactly zero where they coincide.

    Differences, not the expanded square: that one is off by the square of the distance from the origin.
    """
    columns = zip(queries.float().unbind(-1), points.float().unbind(-1), strict=True)
    total = None
    for query, point in columns:
        offset = query[:, :, None] - point[:, None, :]
        total = offset.square_() if total is None else total.addcmul_(offset, offset)
    assert total is not None
    return total


def _parts(queries: Tensor, points: Tensor) -> tuple[Tensor, ...]:
    """Queries in parts of which the distances to all points fit in a block."""
    if torch.compiler.is_exporting():  # to a graph for clouds of any size, which has no loop over parts
        return (queries,)
    most = max(1, _BLOCK // max(1, len(points) * points.shape[1]))
    return queries.split(most, dim=1)


def group(points: Tensor, index: Tensor) -> Tensor:
    """The rows that an index names.

    Args:
        points: (B, N, C).
        index: (B, M, k) or (B, M) int64, as from the functions above.

    Returns:
        (B, M, k, C) or (B, M, C).
    """
    if torch.compiler.is_exporting():  # to a graph for batches of any size, which must not ask for it
        index = index.clone(memory_format=torch.contiguous_format)  # a view's strides would fix it too
    elif len(points) == 1:  # as where clouds are packed: whole rows, copied twice as fast as by gather
        return points[0].index_select(0, index.flatten()).view(*index.shape, points.shape[-1])
    rows = points.gather(1, index.flatten(1)[..., None].expand(-1, -1, points.shape[-1]))
    return rows.unflatten(1, index.shape[1:])
