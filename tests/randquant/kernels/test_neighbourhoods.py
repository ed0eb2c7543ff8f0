from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from randquant.kernels import neighbourhoods
from randquant.kernels.chosen import plain_form
from randquant.pointcloud.points.geometry import ball_query, nearest_neighbours

pytest.importorskip("numba")


def rows(kind: str) -> Tensor:
    x = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    if kind == "tied":
        x = (x * 8).round()
    if kind == "infinite":
        x[x > 0.2] = torch.inf
    if kind == "not a number":
        x[x > 0.5] = torch.nan
    return x


@pytest.mark.parametrize("k", [1, 7, 49, 50])
@pytest.mark.parametrize("kind", ["distinct", "tied", "infinite", "not a number"])
def test_smallest_are_those_of_topk(kind: str, k: int) -> None:
    x = rows(kind)
    assert torch.equal(neighbourhoods.smallest(x, k, as_topk=True), x.topk(k, dim=-1, largest=False).indices)


@pytest.mark.parametrize("k", [1, 7, 49, 50])
@pytest.mark.parametrize("kind", ["distinct", "tied"])
def test_of_equal_ones_the_first_is_taken(kind: str, k: int) -> None:
    x = rows(kind)
    assert torch.equal(neighbourhoods.smallest(x, k, as_topk=False), x.argsort(dim=-1, stable=True)[..., :k])


@pytest.mark.parametrize("boxed", [0, 2**30])
@pytest.mark.parametrize("k", [1, 5, 90])
@pytest.mark.parametrize("grid", [0, 6])
@pytest.mark.parametrize("share", [1.0, 0.7, 0.02])
def test_geometry_gives_the_places_of_the_plain_form(
    share: float, grid: int, k: int, boxed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhoods, "_MANY", boxed)
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(2, 700, 3, generator=generator, requires_grad=True)
    points = (points * grid).round() / grid if grid else points
    points = torch.cat([points, points[:, :3]], dim=1)
    queries = torch.cat([points[:, ::9], points[:, :2] + 7], dim=1)
    kept = None if share == 1.0 else torch.rand(2, 703, generator=generator) < share
    found = []
    for plain in (False, True):
        with plain_form() if plain else nullcontext():
            balls = [ball_query(queries, points, radius, k) for radius in (0.03, 0.3, 2.0)]
            found.append([nearest_neighbours(queries, points, k, kept), *balls])
    for fast, slow in zip(*found, strict=True):
        assert torch.equal(fast, slow)


@pytest.mark.parametrize("rounded_once", [True, False])
def test_distances_are_rounded_as_told(rounded_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhoods, "_fused", lambda: rounded_once)
    points = torch.rand(1, 900, 3, generator=torch.Generator().manual_seed(2))
    x, y, z = ((points[0, :1, axis] - points[0, :, axis]) for axis in range(3))
    if rounded_once:
        total = x * x
        for other in (y, z):
            total = (total.double() + other.double() ** 2).float()
    else:
        total = x * x + y * y + z * z
    found, _ = neighbourhoods.nearest(points[:, :1], points, 900, None)
    assert torch.equal(found[0, 0], total.argsort(stable=True))


def test_a_point_that_is_not_a_number_is_found_as_in_the_plain_form() -> None:
    points = torch.rand(1, 30, 3)
    points[0, 11] = torch.nan
    fast = ball_query(points, points, 0.2, 9)
    with plain_form():
        assert torch.equal(fast, ball_query(points, points, 0.2, 9))


def test_what_it_does_not_take_keeps_the_plain_form() -> None:
    x = torch.rand(2, 3)
    assert neighbourhoods.takes(x)
    assert not neighbourhoods.takes(x.double())
    assert not neighbourhoods.takes(x[:0])
    with plain_form():
        assert not neighbourhoods.takes(x)
