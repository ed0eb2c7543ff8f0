"""Farthest points: chosen one after another, each the farthest from all chosen before (Eldar et al. 1997).

No point is chosen twice, also where points coincide, and of equally far ones the first is taken, so this form, that of
`randquant.pointcloud.points.farthest_point_order` and the definition give the same order. This one takes a batch on any
device; the other one cloud on one CPU core, for preparing data.
"""

import torch
from torch import Tensor

from randquant.kernels import cuda, neighbourhoods
from randquant.kernels.threads import over
from randquant.pointcloud.points.farthest_point_order import EQUAL, check_count, chosen_from


def farthest_point_sampling(points: Tensor, count: int, *, start: Tensor | None = None) -> Tensor:
    """Farthest points of a batch.

    Args:
        points: (B, N, 3) coordinates.
        count: how many, 1 to N.
        start: (B,) index of the first point; where None, the point farthest from the centroid.

    Returns:
        (B, count) int64 indices in the order of choice.

    Raises:
        ValueError: `count` is outside [1, N].
    """
    if torch.compiler.is_exporting():  # to a graph for clouds of any size, where steps would be unrolled for one
        return _scanned(points.float(), count, _from_centroid(points) if start is None else start)
    check_count(count, points.shape[-2])
    if _by_kernel(points):
        from randquant.pointcloud.points.farthest_points_kernel import farthest_by_kernel

        return farthest_by_kernel(points.detach().float(), count, _from_centroid(points) if start is None else start)
    if neighbourhoods.takes(points) and bool(points.isfinite().all()):
        return _by_clouds(points.detach(), count, _from_centroid(points) if start is None else start)
    x, y, z = points.float().unbind(-1)
    nearest = torch.full_like(x, torch.inf)
    chosen = torch.empty(len(points), count, dtype=torch.int64, device=points.device)
    current = _from_centroid(points.float()) if start is None else start
    for step in range(count):
        index = current[:, None]
        chosen[:, step] = current
        dx, dy, dz = x - x.gather(1, index), y - y.gather(1, index), z - z.gather(1, index)
        nearest = torch.minimum(nearest, dx * dx + dy * dy + dz * dz)
        nearest.scatter_(1, index, -1.0)
        current = nearest.argmax(dim=1)
    return chosen


def _by_clouds(points: Tensor, count: int, start: Tensor) -> Tensor:
    """By compiled code, as many clouds at a time as there are threads."""
    clouds, starts, chosen = points.numpy(), start.tolist(), torch.empty(len(points), count, dtype=torch.int64)
    rows = chosen.numpy()

    def some(first: int, last: int) -> None:
        for cloud in range(first, last):
            rows[cloud] = chosen_from(clouds[cloud], count, starts[cloud])

    over(len(points), points.shape[0] * points.shape[1] * count, 1, some)
    return chosen


def _by_kernel(points: Tensor) -> bool:
    """Whether a kernel chooses them, in one launch instead of a dozen a step."""
    if points.device.type != "cuda" or torch.compiler.is_compiling() or not cuda.takes(torch.float32, 2):
        return False
    from randquant.pointcloud.points.farthest_points_kernel import MOST_POINTS

    return points.shape[0] > 0 and points.shape[1] <= MOST_POINTS


def _scanned(points: Tensor, count: int, start: Tensor) -> Tensor:
    """`farthest_point_sampling` as one loop of an exported graph, for clouds of any size (B, N, 3)."""
    # The operator itself: `scan`, its public form, compiles every loop first, which is half of an export's time.
    from torch._higher_order_ops.scan import scan_op

    x, y, z = (column.clone() for column in points.unbind(-1))  # the loop takes no views of one tensor
    slots = torch.arange(points.shape[1], device=points.device)
    steps = torch.arange(count, device=points.device)
    _, _, chosen = scan_op(_step, [torch.full_like(x, torch.inf), start], [steps], (x, y, z, slots))
    return chosen.T


def _step(
    nearest: Tensor, current: Tensor, _: Tensor, x: Tensor, y: Tensor, z: Tensor, slots: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One point chosen: distances (B, N) to the nearest so far and the point (B,) chosen last, and the latter again."""
    index = current[:, None]
    dx, dy, dz = x - x.gather(1, index), y - y.gather(1, index), z - z.gather(1, index)
    nearest = torch.minimum(nearest, dx * dx + dy * dy + dz * dz)
    nearest = torch.where(slots == index, -1.0, nearest)
    return nearest, nearest.argmax(dim=1), current.clone()


def _from_centroid(points: Tensor) -> Tensor:
    """(B,) index of the point farthest from the centroid; the first of those that rounding may have set apart."""
    offset = points.double() - points.double().mean(dim=1, keepdim=True)
    square = offset.square().sum(-1)
    return (square >= EQUAL * square.amax(dim=1, keepdim=True)).byte().argmax(dim=1)
