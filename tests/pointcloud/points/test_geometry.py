"""Geometry against its slow definitions."""

from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.points.axes import AXES, Axis, turn_up
from randquant.pointcloud.points.geometry import (
    ball_query,
    group,
    nearest_neighbours,
    squared_distances,
    unit_sphere,
    unit_spheres,
)


def clouds(batch: int = 2, points: int = 60) -> Tensor:
    return torch.randn(batch, points, 3, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 2.0, 0.5])


def test_unit_sphere() -> None:
    points = unit_sphere(clouds() + 100)
    assert points.mean(dim=1).abs().max() < 1e-5
    assert torch.allclose(points.norm(dim=-1).amax(dim=1), torch.ones(2))
    assert torch.allclose(unit_sphere(7 * clouds() - 3), unit_sphere(clouds()), atol=1e-5)
    assert torch.equal(unit_sphere(clouds()[0]), unit_sphere(clouds())[0])


@pytest.mark.parametrize("points", [torch.full((1, 1000, 3), 0.1), torch.ones(2, 1, 3), torch.zeros(4, 3)])
def test_unit_sphere_of_one_place_is_zero(points: Tensor) -> None:
    assert torch.equal(unit_sphere(points), torch.zeros_like(points))


@pytest.mark.parametrize(("source", "target"), list(product(AXES, AXES)))
def test_turn_up_is_the_rotation_from_one_axis_to_the_other(source: Axis, target: Axis) -> None:
    first, second = AXES.index(source), AXES.index(target)
    turned = turn_up(torch.eye(3), source, target)
    assert torch.equal(turned[first], torch.eye(3)[second])
    assert all(torch.equal(turned[axis], torch.eye(3)[axis]) for axis in {0, 1, 2} - {first, second})
    assert torch.linalg.det(turned) == 1
    points = clouds()
    assert torch.equal(turn_up(turn_up(points, source, target), target, source), points)
    assert np.array_equal(turn_up(points.numpy(), source, target), turn_up(points, source, target).numpy())


def test_turn_up_knows_three_axes() -> None:
    with pytest.raises(ValueError, match="x, y or z"):
        turn_up(torch.eye(3), "up", "z")  # type: ignore[arg-type]


def test_squared_distances() -> None:
    queries, points = clouds(2, 7), clouds(2, 9)
    assert torch.allclose(squared_distances(queries, points), torch.cdist(queries, points).square(), atol=1e-5)
    assert squared_distances(points + 1000, points + 1000).diagonal(dim1=1, dim2=2).eq(0).all()


def test_nearest_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, points = clouds(2, 30), clouds(2, 50)
    found = nearest_neighbours(queries, points, 6)
    distances = (queries[:, :, None] - points[:, None]).norm(dim=-1)
    assert torch.equal(found, distances.argsort(dim=-1)[..., :6])
    monkeypatch.setattr("randquant.pointcloud.points.geometry._BLOCK", 1)
    assert torch.equal(nearest_neighbours(queries, points, 6), found)
    assert torch.equal(nearest_neighbours(points, points, 1)[..., 0], torch.arange(50).expand(2, -1))
    assert nearest_neighbours(points[:, :1], points[:, :1], 1).tolist() == [[[0]], [[0]]]
    with pytest.raises(ValueError, match="between 1 and the 50 points"):
        nearest_neighbours(queries, points, 51)


def slow_ball(query: Tensor, points: Tensor, radius: float, k: int) -> list[int]:
    distances = (points - query).norm(dim=-1)
    inside = [int(index) for index in torch.nonzero(distances <= radius)][:k]
    return inside + [int(distances.argmin())] * (k - len(inside))


@pytest.mark.parametrize(("radius", "k"), [(0.3, 5), (1.0, 8), (9.0, 70), (0.001, 3), (1.0, 1)])
def test_ball_query(radius: float, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    points, queries = clouds(), clouds(2, 90)[:, 50:]
    found = ball_query(queries, points, radius, k)
    assert (found.shape, found.dtype) == ((2, 40, k), torch.int64)
    for batch, row in product(range(2), range(40)):
        assert found[batch, row].tolist() == slow_ball(queries[batch, row], points[batch], radius, k)
    monkeypatch.setattr("randquant.pointcloud.points.geometry._BLOCK", 1)
    assert torch.equal(ball_query(queries, points, radius, k), found)


@pytest.mark.parametrize(("radius", "k"), [(0.0, 1), (1.0, 0)])
def test_no_ball(radius: float, k: int) -> None:
    with pytest.raises(ValueError, match="above 0 and k at least 1"):
        ball_query(clouds(), clouds(), radius, k)


def test_neighbours_of_coinciding_points() -> None:
    points = torch.zeros(1, 10, 3)
    assert nearest_neighbours(points, points, 10).sort().values[0, 0].tolist() == list(range(10))
    assert ball_query(points, points, 0.1, 4)[0, 5].tolist() == [0, 1, 2, 3]


def test_group() -> None:
    points = torch.randn(2, 20, 5)
    index = torch.randint(20, (2, 7, 3))
    assert torch.equal(group(points, index), torch.stack([points[row][index[row]] for row in range(2)]))
    assert torch.equal(group(points, index[..., 0]), group(points, index)[:, :, 0])


def test_gradients_reach_the_points() -> None:
    points = clouds().requires_grad_()
    group(unit_sphere(points), nearest_neighbours(points.detach(), points.detach(), 3)).square().sum().backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()


def test_relabelled_axes_keep_distances() -> None:
    points = clouds()
    expected = nearest_neighbours(points, points, 4)
    for axes in permutations(range(3)):
        moved = points[..., list(axes)]
        assert torch.equal(nearest_neighbours(moved, moved, 4), expected)


def test_packed_unit_spheres_equal_those_of_clouds_one_by_one() -> None:
    clouds = [5 + 3 * torch.randn(size, 3) for size in (1, 40, 7)] + [torch.full((4, 3), 2.5)]
    found = unit_spheres(PackedBatch.of(clouds))
    torch.testing.assert_close(found, torch.cat([unit_sphere(cloud) for cloud in clouds]), atol=1e-6, rtol=1e-5)
    assert not found[-4:].any()
