"""Dropout, crop and cutout: the contract of `kept` and `source`, and what each hides."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropping import Dropping, DroppingParams, RandomCrop, RandomCutout, RandomDropout

MAKERS: dict[str, Any] = {"dropout": RandomDropout, "crop": RandomCrop, "cutout": RandomCutout}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(24, 200, 4, generator=generator(7))


def check_contract(x: Tensor, params: DroppingParams, result: Tensor) -> None:
    kept, source = params
    slots = torch.arange(x.shape[1]).expand_as(source)
    assert torch.equal(source[kept], slots[kept])
    assert kept.gather(1, source).all()
    assert torch.equal(result[kept], x[kept])
    for cloud, came_from, after in zip(x, source, result, strict=True):
        assert torch.equal(after, cloud[came_from])


@pytest.mark.parametrize("name", MAKERS)
def test_dropped_slots_become_copies_of_kept_ones(name: str, x: Tensor) -> None:
    augment: Dropping = MAKERS[name]()
    params = augment.make_params(x, generator=generator(1))
    check_contract(x, params, augment.transform(x, params))
    assert not params.kept.all()
    assert int(params.kept.sum(dim=1).min()) >= augment.minimum


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("minimum", [1, 50, 200, 1000])
def test_the_minimum_stays(name: str, minimum: int, x: Tensor) -> None:
    everything: dict[str, Any] = {
        "dropout": {"ratio": (1.0, 1.0)},
        "crop": {"kept": (0.0, 0.0)},
        "cutout": {"size": (9.0, 9.0)},
    }
    params = MAKERS[name](minimum=minimum, **everything[name]).make_params(x, generator=generator(1))
    assert params.kept.sum(dim=1).tolist() == [min(minimum, 200)] * len(x)


@pytest.mark.parametrize("name", MAKERS)
def test_copies_are_spread_over_the_kept_points(name: str) -> None:
    clouds = torch.randn(50, 400, 3, generator=generator(3))
    params = MAKERS[name]().make_params(clouds, generator=generator(4))
    for kept, source in zip(*params, strict=True):
        dropped = int((~kept).sum())
        if dropped > 20:
            # Drawn with replacement from n, k draws hit n (1 - exp(-k / n)) places.
            n = int(kept.sum())
            assert len(set(source[~kept].tolist())) > 0.6 * n * (1 - math.exp(-dropped / n))


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_dropped_before_stays_dropped(name: str, x: Tensor) -> None:
    augment: Dropping = MAKERS[name](minimum=5)
    genuine = torch.rand(x.shape[:2], generator=generator(2)) < 0.3
    params = augment.make_params(x, kept=genuine, generator=generator(1))
    check_contract(x, params, augment.transform(x, params))
    assert not (params.kept & ~genuine).any()
    assert (params.kept.sum(dim=1) >= genuine.sum(dim=1).clamp(max=5)).all()
    one = torch.zeros_like(genuine)
    one[:, 17] = True
    assert torch.equal(augment.make_params(x, kept=one).kept, one)


def test_dropout_drops_a_drawn_share() -> None:
    clouds = torch.empty(2_000, 500, 3)
    share = 1.0 - RandomDropout((0.2, 0.6)).make_params(clouds, generator=generator(1)).kept.float().mean(dim=1)
    assert abs(float(share.mean()) - 0.4) < 0.01
    assert 0.12 < float(share.min()) < 0.22
    assert 0.58 < float(share.max()) < 0.68
    assert RandomDropout((0.0, 0.0)).make_params(clouds).kept.all()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.731, 1.0])
def test_a_crop_keeps_exactly_the_share(share: float, x: Tensor) -> None:
    params = RandomCrop((share, share)).make_params(x, generator=generator(1))
    assert params.kept.sum(dim=1).tolist() == [math.ceil(round(share * 200, 3))] * len(x)
    genuine = torch.arange(200) < 100
    params = RandomCrop((share, share), minimum=1).make_params(x, kept=genuine.expand(24, 200), generator=generator(1))
    assert params.kept.sum(dim=1).tolist() == [math.ceil(round(share * 100, 3))] * len(x)


def test_shares_are_uniform() -> None:
    clouds = torch.randn(2_000, 200, 3, generator=generator(1))
    share = RandomCrop((0.5, 1.0)).make_params(clouds, generator=generator(2)).kept.float().mean(dim=1)
    assert abs(float(share.mean()) - 0.75) < 0.01
    assert float(share.min()) >= 0.5


def inside_the_bounds_of(points: Tensor, chosen: Tensor) -> Tensor:
    """Which points (N, 3) lie in the smallest upright box around the chosen ones."""
    low, high = points[chosen].amin(dim=0), points[chosen].amax(dim=0)
    return ((points >= low) & (points <= high)).all(dim=1)


def test_a_crop_is_what_lies_in_a_cuboid(x: Tensor) -> None:
    params = RandomCrop((0.1, 0.9), minimum=1).make_params(x, generator=generator(1))
    for cloud, kept in zip(x[..., :3], params.kept, strict=True):
        assert torch.equal(inside_the_bounds_of(cloud, kept), kept)


def test_a_cutout_is_what_lies_in_a_cuboid() -> None:
    clouds = torch.rand(24, 500, 3, generator=generator(1)) * torch.tensor([1.0, 5.0, 0.2])
    params = RandomCutout((0.3, 0.6)).make_params(clouds, generator=generator(2))
    for cloud, kept in zip(clouds, params.kept, strict=True):
        assert torch.equal(inside_the_bounds_of(cloud, ~kept), ~kept)
        extent = cloud[~kept].amax(dim=0) - cloud[~kept].amin(dim=0)
        assert (extent <= 0.6 * (cloud.amax(dim=0) - cloud.amin(dim=0))).all()
    # A box of 0.45^3 of the volume where it fits; less where the random point is near the border.
    assert 0.02 < float((~params.kept).float().mean()) < 0.1


def test_equal_aspects_crop_a_cube() -> None:
    clouds = torch.rand(24, 2_000, 3, generator=generator(1)) * 10.0 - 5.0
    params = RandomCrop((0.01, 0.01), aspect=(1.0, 1.0), minimum=1).make_params(clouds, generator=generator(2))
    sides = []
    for cloud, kept in zip(clouds, params.kept, strict=True):
        sides.append((cloud[kept].amax(dim=0) - cloud[kept].amin(dim=0)).tolist())
    median = torch.tensor(sides).median(dim=0).values
    assert float(median.max() / median.min()) < 1.25


@pytest.mark.parametrize("name", MAKERS)
def test_the_slow_form_agrees(name: str, x: Tensor) -> None:
    """Every point's own decision, from the scores that were drawn."""
    augment: Dropping = MAKERS[name](p=0.7)
    packed, genuine = PackedBatch.of(list(x)), torch.ones(len(x) * x.shape[1], dtype=torch.bool)
    scores, limit = augment._draw(packed, genuine, generator(5))
    scores = scores.view(x.shape[:2])
    draws = generator(5)
    augment._draw(packed, genuine, draws)
    chosen = torch.rand(len(x), generator=draws) < 0.7
    params = augment.make_params(x, generator=generator(5))
    for cloud in range(len(x)):
        ranks = scores[cloud].argsort().tolist()
        expected = [
            not bool(chosen[cloud]) or float(score) <= float(limit[cloud]) or slot in ranks[: augment.minimum]
            for slot, score in enumerate(scores[cloud])
        ]
        assert params.kept[cloud].tolist() == expected
