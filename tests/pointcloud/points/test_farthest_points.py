"""Farthest points by both forms against the definition."""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from randquant.kernels.chosen import plain_form
from randquant.pointcloud.points.farthest_point_order import by_blocks, by_lanes, farthest_point_order
from randquant.pointcloud.points.farthest_points import farthest_point_sampling


def clouds(batch: int = 2, points: int = 60) -> Tensor:
    return torch.randn(batch, points, 3, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 2.0, 0.5])


def test_the_start_does_not_hang_on_rounding() -> None:
    corners = torch.tensor(list(product([0.1, 0.7], repeat=3)))
    for scale in torch.logspace(-3, 3, 20):
        moved = scale * corners
        assert farthest_point_sampling(moved[None], 1).item() == 0
        assert farthest_point_order(moved.numpy(), 1)[0] == 0


def slow_order(points: np.ndarray, count: int, start: int | None = None) -> list[int]:
    """The definition: every point against every chosen one; of equally far ones the first."""
    points = points.astype(np.float32)
    exact = points.astype(np.float64)
    square = np.square(exact - exact.mean(axis=0)).sum(axis=1)
    chosen = [int((square >= 0.999999 * square.max()).argmax()) if start is None else start]
    while len(chosen) < count:
        offset = points[:, None] - points[chosen]
        square = offset[..., 0] ** 2 + offset[..., 1] ** 2 + offset[..., 2] ** 2
        nearest = square.min(axis=1)
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    return chosen


@pytest.mark.parametrize(("points", "count"), [(1, 1), (2, 2), (60, 1), (60, 17), (60, 60), (400, 150)])
def test_farthest_points_by_every_form(points: int, count: int) -> None:
    batch = clouds(3, points)
    chosen = farthest_point_sampling(batch, count)
    assert (chosen.shape, chosen.dtype) == ((3, count), torch.int64)
    for cloud, indices in zip(batch, chosen, strict=True):
        expected = slow_order(cloud.numpy(), count)
        assert indices.tolist() == expected
        assert farthest_point_order(cloud.numpy(), count).tolist() == expected
        assert by_blocks(cloud.numpy(), count, expected[0]).tolist() == expected
    with plain_form():
        assert torch.equal(farthest_point_sampling(batch, count), chosen)


def test_farthest_points_from_a_given_start() -> None:
    batch, start = clouds(), torch.tensor([3, 41])
    chosen = farthest_point_sampling(batch, 20, start=start)
    assert chosen.tolist() == [slow_order(batch[row].numpy(), 20, int(start[row])) for row in range(2)]


def lattice() -> np.ndarray:
    return np.array(list(product(range(5), repeat=3)), dtype=np.float32)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((50, 3)),
        np.repeat(np.eye(3), 20, axis=0),
        np.concatenate([np.zeros((30, 3)), clouds()[0].numpy()]),
        np.arange(90.0).reshape(90, 1) * [1, 0, 0],
        lattice(),
        clouds(1, 300)[0].numpy() * 1e-12,
        clouds(1, 300)[0].numpy() * 1e15,
        clouds(1, 300)[0].numpy() + 1000,
    ],
    ids=["one place", "three places", "a heap", "a line", "a lattice", "tiny", "huge", "far away"],
)
def test_the_order_is_a_permutation_whatever_coincides(points: np.ndarray) -> None:
    order = farthest_point_order(points)
    assert sorted(order.tolist()) == list(range(len(points)))
    assert order.tolist() == slow_order(points, len(points))
    assert by_blocks(points.astype(np.float32), len(points), int(order[0])).tolist() == order.tolist()
    tensor = torch.from_numpy(points.astype(np.float32))[None]
    assert farthest_point_sampling(tensor, len(points))[0].tolist() == order.tolist()


def test_a_large_cloud_in_both_forms() -> None:
    points = torch.nn.functional.normalize(clouds(1, 3000), dim=-1)
    order = farthest_point_order(points[0].numpy(), 1024)
    assert np.array_equal(farthest_point_sampling(points, 1024)[0], order)
    assert np.array_equal(farthest_point_order(points[0].numpy(), 300), order[:300])


def test_blocks_of_near_points_are_skipped_and_every_point_is_chosen() -> None:
    points = torch.cat([torch.nn.functional.normalize(clouds(1, 2999)[0], dim=-1), torch.tensor([[1e3, 0.0, 0.0]])])
    order = by_lanes(points.numpy(), 3000, 5)
    assert np.array_equal(by_blocks(points.numpy(), 3000, 5), order)
    assert len(set(order.tolist())) == 3000


def test_moving_the_points_about_moves_the_order_along() -> None:
    points = clouds(1, 200)[0].numpy()
    shuffled = np.random.default_rng(0).permutation(200)
    assert np.array_equal(shuffled[farthest_point_order(points[shuffled], 80)], farthest_point_order(points, 80))


@pytest.mark.parametrize("count", [0, 61])
def test_more_points_than_there_are(count: int) -> None:
    with pytest.raises(ValueError, match="between 1 and the 60 points"):
        farthest_point_sampling(clouds(), count)
    with pytest.raises(ValueError, match="between 1 and the 60 points"):
        farthest_point_order(clouds()[0].numpy(), count)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_order_is_that_of_the_definition_with_ties(total: int, places: int, seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, places, (total, 3)) / 3
    expected = slow_order(points, total)
    assert farthest_point_order(points).tolist() == expected
    assert by_blocks(points.astype(np.float32), total, expected[0]).tolist() == expected


INTERPRETED = """
import torch
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.farthest_points_kernel import farthest_by_kernel

lattice = torch.randint(0, 3, (2, 40, 4)).float()[..., 1:]
for points in (torch.randn(3, 70, 3), torch.randn(2, 3, 20).mT, torch.ones(1, 5, 3), lattice):
    start = torch.arange(len(points))
    expected = farthest_point_sampling(points, points.shape[1], start=start)
    assert torch.equal(farthest_by_kernel(points, points.shape[1], start), expected)
"""


def test_the_kernel_in_the_interpreter() -> None:
    pytest.importorskip("triton", reason="no Triton: its kernels are not tested")
    told = {**os.environ, "TRITON_INTERPRET": "1"}  # read when Triton loads
    ran = subprocess.run([sys.executable, "-c", INTERPRETED], env=told, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
