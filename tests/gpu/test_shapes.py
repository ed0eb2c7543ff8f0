"""Clouds on a GPU: augmentations, searches and encoders are those of a CPU."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest
import torch

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation
from randquant.pointcloud.augment.policy import PointPolicy
from randquant.pointcloud.augment.registry import AUGMENTATIONS
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.geometry import ball_query, group, nearest_neighbours
from randquant.pointcloud.points.segment import segment_reduce
from randquant.pointcloud.settings import PointPretraining
from tests.gpu.beside_cpu import DEVICE, agrees, on

pytestmark = pytest.mark.gpu
SETTINGS = PointPretraining(out=Path(), data=[Path()], points=64)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_of_equal_and_of_packed_clouds(name: str) -> None:
    policy = PointPolicy(AUGMENTATIONS[name](SETTINGS)).to(DEVICE)
    points = torch.randn(5, 128, 3, device=DEVICE)
    views = [policy(CloudBatch(points), generator=torch.Generator(DEVICE).manual_seed(seed)) for seed in (0, 0, 1)]
    assert views[0].points.device == points.device
    assert bool(views[0].points.isfinite().all())
    torch.testing.assert_close(views[0].points, views[1].points)
    clouds = PackedBatch.of([torch.randn(size, 3, device=DEVICE) for size in (70, 300, 65)])
    if name != "resample":
        (augment,) = cast(Iterable[CloudAugmentation], policy)
        changed = augment.augment_packed(clouds, generator=torch.Generator(DEVICE).manual_seed(0))
        assert changed.rows.device == points.device
        assert len(changed) == 3


def test_sizes_travel_with_a_batch() -> None:
    clouds = PackedBatch.of([torch.randn(size, 3) for size in (4, 9)]).to(DEVICE)
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert clouds.sizes == [4, 9]
        assert [len(cloud) for cloud in clouds.split()] == [4, 9]
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_searches() -> None:
    points = torch.randn(4, 700, 3)
    for cloud in (points, torch.randint(0, 4, (3, 300, 3)).float(), torch.randn(2, 3, 16_000).mT):
        agrees(lambda points: farthest_point_sampling(points, 200), cloud)
    agrees(lambda points: nearest_neighbours(points[:, :50], points, 12), points)
    agrees(lambda points: ball_query(points[:, :50], points, 0.4, 16), points)
    agrees(lambda points: group(points, nearest_neighbours(points[:, :50], points, 5)), points)


@pytest.mark.parametrize("reduction", ["max", "mean"])
def test_reductions_of_packed_rows(reduction: str) -> None:
    offsets = torch.tensor([0, 3, 100, 101, 500])
    agrees(lambda rows, offsets: segment_reduce(rows, offsets, reduction), torch.randn(500, 7), offsets)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(name: str) -> None:
    encoder = ENCODERS[name](d=64).eval()  # type: ignore[call-arg]
    points = torch.rand(4, 256, 3)
    clouds = [torch.rand(size, 3) for size in (256, 300, 290)]
    agrees(lambda encoder, points: encoder(points), encoder, points, rtol=1e-3, atol=1e-3)
    agrees(lambda encoder, *clouds: encoder(PackedBatch.of(clouds)), encoder, *clouds, rtol=1e-3, atol=1e-3)
    gradients = []
    for device in ("cpu", DEVICE):
        trained, x = on(device, (encoder, points))
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            trained(x).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten().cpu() for p in trained.parameters() if p.grad is not None]))
    assert torch.nn.functional.cosine_similarity(gradients[0], gradients[1], dim=0) > 0.999
