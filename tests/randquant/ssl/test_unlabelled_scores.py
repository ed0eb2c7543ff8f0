"""Scores without labels against slow forms, and what they say of made-up embeddings."""

import math

import pytest
import torch
from torch import Tensor

from randquant.ssl.unlabelled_scores import SCORES, identified, lidar, rank, uniformity


def views(noise: float, items: int = 40, numbers: int = 6) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(3)
    means = torch.randn(items, numbers, generator=draw) * torch.arange(1, numbers + 1) + 10
    first, second = (means + noise * torch.randn(items, numbers, generator=draw) for _ in range(2))
    return first, second


def scaled(one: Tensor, other: Tensor) -> list[Tensor]:
    both = torch.cat([one, other]).double()
    columns = [(column - column.mean()) / column.std(correction=0) for column in both.T]
    return list(torch.stack(columns, dim=1))


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0, 3.0, 100.0])
def test_identified_is_what_a_loop_counts(noise: float) -> None:
    one, other = views(noise)
    rows, right = scaled(one, other), 0
    for here, there in ((rows[:40], rows[40:]), (rows[40:], rows[:40])):
        for number, row in enumerate(here):
            cosines = [float(row @ each / row.norm() / each.norm()) for each in there]
            right += cosines.index(max(cosines)) == number
    assert identified(one, other) == pytest.approx(right / 80)
    assert identified(3 * one + 5, 3 * other + 5) == pytest.approx(identified(one, other))


def test_uniformity_is_what_a_loop_sums() -> None:
    one, other = views(0.5, items=7)
    potentials = []
    for view in (one, other):
        rows = [row / row.norm() for row in view.double()]
        potentials += [
            math.exp(-2 * float((rows[i] - rows[j]).square().sum())) for i in range(7) for j in range(i + 1, 7)
        ]
    assert uniformity(one, other) == pytest.approx(-math.log(sum(potentials) / len(potentials)))


def test_lidar_counts_the_directions_in_which_items_differ_more_than_their_views() -> None:
    draw = torch.Generator().manual_seed(0)
    items, noise = torch.randn(400, 8, generator=draw), torch.randn(2, 400, 8, generator=draw)
    strong = items * torch.tensor([100.0] * 3 + [0.0] * 5)
    one, other = strong + noise[0], strong + noise[1]
    assert lidar(one, other) == pytest.approx(3, rel=0.1)
    turned, _ = torch.linalg.qr(torch.randn(8, 8, generator=draw))
    assert rank(one @ turned, other @ turned) == pytest.approx(rank(one, other), rel=1e-3)


@pytest.mark.parametrize("name", SCORES)
def test_the_order_of_items_and_of_views_does_not_matter(name: str) -> None:
    one, other = views(0.5)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    value = SCORES[name](one, other)
    assert math.isfinite(value)
    assert SCORES[name](one[order], other[order]) == pytest.approx(value, rel=1e-5)
    assert SCORES[name](other, one) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", ["identified", "alignment"])
def test_nearer_views_score_higher(name: str) -> None:
    found = [SCORES[name](*views(noise)) for noise in (100.0, 3.0, 1.0, 0.0)]
    assert found == sorted(found)


def test_constant_numbers_do_no_harm() -> None:
    one, other = views(0.5)
    one[:, 2] = other[:, 2] = 4.0
    assert all(math.isfinite(value(one, other)) for value in SCORES.values())
    assert all(math.isfinite(value(one, one)) for value in SCORES.values())
