"""A view of clouds: order, and the account of genuine slots."""

import pytest
import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.policy import PointPolicy
from randquant.pointcloud.augment.quantize import PointQuantization
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.rotation import RandomRotation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.layout import Layout

LAYOUT = Layout.of(["x", "y", "z", "file_row"])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    clouds = torch.randn(12, 150, 4, generator=generator(7))
    clouds[..., 3] = torch.arange(150.0)
    return clouds


def test_augmentations_follow_one_another(x: Tensor) -> None:
    steps = [RandomCrop(), RandomRotation(layout=LAYOUT), RandomJitter(), PointQuantization(layout=LAYOUT)]
    points, _, kept = PointPolicy(*steps)(CloudBatch(x), generator=generator(1))
    draws, expected = generator(1), x
    for step in steps:
        expected = step(expected, generator=draws)
    assert torch.equal(points, expected)
    assert torch.equal(kept, RandomCrop().make_params(x, generator=generator(1)).kept)


def test_nothing_drops_nothing(x: Tensor) -> None:
    points, _, kept = PointPolicy()(CloudBatch(x))
    assert points is x
    assert kept.shape == (12, 150)
    assert kept.all()
    assert PointPolicy(RandomizedQuantization((16, 64), dim=-2))(CloudBatch(x)).genuine.all()


def test_eval_mode_is_the_identity(x: Tensor) -> None:
    points, _, kept = PointPolicy(RandomCrop(), RandomJitter(), RandomResample(20)).eval()(CloudBatch(x))
    assert points is x
    assert kept.all()


def test_a_slot_that_was_ever_dropped_is_not_kept(x: Tensor) -> None:
    policy = PointPolicy(
        RandomCrop((0.2, 0.6)), RandomDropout((0.3, 0.95), minimum=4), RandomCutout(), RandomCrop(p=0.5, minimum=4)
    )
    for seed in range(30):
        points, _, kept = policy(CloudBatch(x), generator=generator(seed))
        rows = points[..., 3].long()
        slots = torch.arange(150).expand_as(rows)
        assert torch.equal(rows == slots, kept)
        assert kept.gather(1, rows).all()
        assert int(kept.sum(dim=1).min()) >= 4
        assert torch.equal(points, x.gather(1, rows[..., None].expand_as(x)))


def test_kept_says_which_resampled_points_are_genuine(x: Tensor) -> None:
    policy = PointPolicy(RandomDropout((0.6, 0.9)), RandomResample(60), RandomCutout())
    points, neighbours, kept = policy(CloudBatch(x, torch.zeros(12, 3, 2, dtype=torch.int64)))
    assert neighbours is None
    assert points.shape == (12, 60, 4)
    for cloud, genuine in zip(points, kept, strict=True):
        rows = cloud[genuine, 3].tolist()
        assert len(set(rows)) == len(rows) > 0
        assert set(cloud[:, 3].tolist()) == set(rows)


def test_only_resampling_moves_points() -> None:
    assert PointPolicy(RandomCrop(), RandomAnisotropicScale()).keeps_slots
    assert not PointPolicy(RandomCrop(), RandomResample(8)).keeps_slots


def test_a_view_compiles_to_one_graph(x: Tensor) -> None:
    policy = PointPolicy(RandomCrop(), RandomRotation(layout=LAYOUT), PointQuantization(layout=LAYOUT, jitter=0.01))
    points, _, kept = torch.compile(policy, fullgraph=True, backend="eager")(CloudBatch(x))
    assert points.shape == x.shape
    assert points.isfinite().all()
    assert kept.dtype == torch.bool
