"""Random choices among augmentations of clouds: each cloud gets one, with all that belongs to it."""

from pathlib import Path

import pytest
import torch

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropping import RandomDropout
from randquant.pointcloud.augment.one_of import CloudOneOf, CloudSometimes
from randquant.pointcloud.augment.registry import OPERATIONS
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.scale import RandomScale
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.settings import PointPretraining
from randquant.policies.strength import Strength


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_cloud_is_scaled_or_thinned_and_keeps_its_neighbours() -> None:
    points = torch.rand(9, 60, 3, generator=generator(7))
    neighbours = torch.arange(9)[:, None, None].expand(9, 4, 2)
    augment = CloudOneOf(RandomScale((2.0, 2.0)), RandomDropout((0.5, 0.5)))
    found = augment.augment(CloudBatch(points, neighbours), generator=generator(1))
    assert found.neighbours is not None
    assert torch.equal(found.neighbours, neighbours)
    scaled = [torch.equal(view, 2.0 * cloud) for view, cloud in zip(found.points, points, strict=True)]
    thinned = [not bool(kept.all()) for kept in found.genuine]
    assert [not each for each in scaled] == thinned
    assert 3 <= sum(scaled) <= 6

    packed = augment.augment_packed(PackedBatch.of(list(points)), generator=generator(1)).split()
    scaled = [len(view) == 60 and torch.equal(view, 2.0 * cloud) for view, cloud in zip(packed, points, strict=True)]
    assert [len(view) < 60 for view in packed] == [not each for each in scaled]
    assert 3 <= sum(scaled) <= 6


def test_a_probability_is_one_of_each_cloud() -> None:
    points = torch.rand(2000, 2, 3, generator=generator(7))
    found = CloudSometimes(RandomScale((2.0, 2.0)), 0.25).augment(CloudBatch(points), generator=generator(1))
    changed = (found.points != points).any(dim=2).any(dim=1)
    assert torch.equal(found.points[changed], 2.0 * points[changed])
    assert abs(float(changed.float().mean()) - 0.25) < 0.03
    with pytest.raises(ValueError, match="other points"):
        CloudOneOf(RandomResample(2))


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_change_more_the_stronger_they_are(name: str) -> None:
    settings = PointPretraining(out=Path(), data=[Path()])
    points = torch.rand(32, 200, 3, generator=generator(7)) * 1.6 - 0.8
    change = []
    for m in (0, 5, 10):
        augment = CloudOneOf(OPERATIONS[name](settings, Strength.of(m)))
        change.append(float((augment.augment(CloudBatch(points), generator=generator(3)).points - points).abs().mean()))
    assert change[0] < 0.01
    assert change[0] <= change[1] < change[2]
