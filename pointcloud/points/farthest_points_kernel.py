# mypy: ignore-errors
"""Farthest points on a GPU, in Triton: a program a cloud, which keeps the points and their distances in registers."""

import torch
import triton
import triton.language as tl

MOST_POINTS = 16_384  # of a cloud, that registers hold


@triton.jit
def _choose(points, start, chosen, total, count, of_cloud, of_point, of_axis, PLACES: tl.constexpr):
    cloud = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, PLACES)
    there = place < total
    own = points + cloud * of_cloud
    x = tl.load(own + place * of_point, mask=there, other=0.0)
    y = tl.load(own + place * of_point + of_axis, mask=there, other=0.0)
    z = tl.load(own + place * of_point + 2 * of_axis, mask=there, other=0.0)
    nearest = tl.where(there, float("inf"), -2.0)  # chosen ones have -1, places without a point less
    current = tl.load(start + cloud).to(tl.int32)
    step = 0
    while step < count:
        tl.store(chosen + cloud * count + step, current.to(tl.int64))
        at = own + current * of_point
        dx, dy, dz = x - tl.load(at), y - tl.load(at + of_axis), z - tl.load(at + 2 * of_axis)
        nearest = tl.minimum(nearest, dx * dx + dy * dy + dz * dz)
        nearest = tl.where(place == current, -1.0, nearest)
        current = tl.argmax(nearest, 0)
        step += 1


def farthest_by_kernel(points: torch.Tensor, count: int, start: torch.Tensor) -> torch.Tensor:
    """(B, count) int64 of points (B, N, 3) float32, N at most `MOST_POINTS`, beginning with start (B,) int64."""
    clouds, total = points.shape[:2]
    chosen = torch.empty(clouds, count, dtype=torch.int64, device=points.device)
    places = triton.next_power_of_2(total)
    with torch.cuda.device_of(points):
        _choose[(clouds,)](
            points, start.contiguous(), chosen, total, count, *points.stride(),
            PLACES=places, num_warps=max(1, min(32, places // 512)), enable_fp_fusion=False,
        )  # fmt: skip
    return chosen
