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


@pytest.mark.parametrize("k", [1, 5, 90])
@pytest.mark.parametrize("grid", [0, 6])
def test_geometry_gives_the_places_of_the_plain_form(grid: int, k: int) -> None:
    points = torch.rand(2, 64, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    points = (points * grid).round() / grid if grid else points
    points = torch.cat([points, points[:, :3]], dim=1)
    queries, kept = points[:, ::3], torch.arange(67) % 4 > 0
    fast = ball_query(queries, points, 0.3, k), nearest_neighbours(queries, points, min(k, 67), kept.expand(2, -1))
    with plain_form():
        slow = ball_query(queries, points, 0.3, k), nearest_neighbours(queries, points, min(k, 67), kept.expand(2, -1))
    assert torch.equal(fast[0], slow[0])
    assert torch.equal(fast[1], slow[1])


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
