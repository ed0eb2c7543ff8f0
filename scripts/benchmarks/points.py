"""Clouds: augmentations, farthest points, encoders, a pretraining step."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.augmentation import Augmentation
from randquant.pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.policy import PointPolicy
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale, RandomScale
from randquant.pointcloud.augment.translation import RandomTranslation
from randquant.pointcloud.cloud_views import CloudViews
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.scripts.benchmarks.quantize import original_formulation
from randquant.scripts.measuring.pair import Call, Pair, in_plain_form
from randquant.ssl.simclr import SimCLR

CLOUDS, POINTS = 64, 1024
_COMPILED = (("PointNetLite", 512), ("PointNeXt", 512), ("PointNeXt", 2048), ("DGCNN", 512))  # encoders and points
OneCloud = Callable[[NDArray[np.float32], np.random.Generator], NDArray]


def point_augmentations(device: str) -> Iterator[Pair]:
    """Every augmentation on 64 clouds of 1,024 points, against its usual form on one cloud after another."""
    x = torch.randn(CLOUDS, POINTS, 3, device=device)
    host, generator = x.cpu().numpy(), np.random.default_rng(0)
    for augment, alone in _AUGMENTATIONS:
        yield Pair(
            f"{type(augment).__name__} of {CLOUDS} x {POINTS:,}",
            lambda augment=augment: augment(x),  # type: ignore[misc]
            lambda alone=alone: torch.from_numpy(np.stack([alone(cloud, generator) for cloud in host])).to(device),  # type: ignore[misc]
            "numpy, one by one",
            CLOUDS,
        )
    for shared in (False, True):
        quantize = PointQuantization(Quantizer(32), shared=shared)
        yield Pair(
            f"PointQuantization(32 bins, shared={shared})",
            lambda quantize=quantize: quantize(x),  # type: ignore[misc]
            lambda: original_formulation(x.transpose(1, 2), 32),
            "original formulation",
            CLOUDS,
        )


def farthest_points(device: str) -> Iterator[Pair]:
    """One dense cloud on the CPU; a batch on the device."""
    cloud = np.random.default_rng(0).random((10_000, 3), dtype=np.float32)
    batch = torch.from_numpy(cloud)[None].to(device)

    def own() -> object:
        return farthest_point_order(cloud, 1024)

    plain = in_plain_form(lambda: farthest_point_sampling(batch, 1024))
    yield Pair("farthest points, 10,000 -> 1,024", own, plain, "torch", 1)
    try:
        import open3d
    except (ImportError, OSError):
        pass
    else:
        other = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(cloud.astype(np.float64)))
        yield Pair("farthest points, 10,000 -> 1,024", own, lambda: other.farthest_point_down_sample(1024), "Open3D", 1)
    yield from _fpsample_pairs()
    clouds = torch.randn(32, 1024, 3, device=device)
    if device == "cpu":
        name, twin, twin_name = "", in_plain_form(lambda: farthest_point_sampling(clouds, 512)), "plain form"
    else:
        host, name, twin_name = clouds.cpu().numpy(), f", {device}", "one by one on the CPU"
        twin = lambda: [farthest_point_order(each, 512) for each in host]  # noqa: E731
    yield Pair(
        f"farthest points, 32 x 1,024 -> 512{name}", lambda: farthest_point_sampling(clouds, 512), twin, twin_name, 32
    )


def _fpsample_pairs() -> Iterator[Pair]:
    """Surfaces of few and of many points, by the tree of the depth that suits each; nothing without fpsample."""
    try:
        import fpsample
    except (ImportError, OSError):
        return
    for total, count, depth in ((1_024, 512, 3), (2_048, 2_048, 5), (10_000, 1_024, 5), (100_000, 2_048, 7)):
        cloud = ellipsoids(1, total)[0].numpy()
        yield Pair(
            f"farthest points, {total:,} -> {count:,}",
            lambda cloud=cloud, count=count: farthest_point_order(cloud, count),  # type: ignore[misc]
            lambda cloud=cloud, count=count, depth=depth: fpsample.bucket_fps_kdline_sampling(  # type: ignore[misc]
                cloud, count, h=depth, start_idx=0
            ),
            "fpsample, buckets of a tree",
            1,
        )


def point_encoders(device: str) -> Iterator[Pair]:
    """Forward and backward of every encoder on 8 clouds of 512 points, against PointNet and its own plain form."""
    x = ellipsoids(8, 512).to(device)
    made = {name: make(d=256).to(device) for name, make in ENCODERS.items()}  # type: ignore[call-arg]
    reference = "PointNet" if "PointNet" in made else "PointNetLite"
    for name, encoder in made.items():
        yield Pair(
            f"{name}-256 step of 8 x 512",
            lambda encoder=encoder: encoder(x).square().mean().backward(),  # type: ignore[misc]
            lambda: made[reference](x).square().mean().backward(),
            reference,
            len(x),
        )
    for name, points in _COMPILED if device == "cpu" else ():
        clouds = ellipsoids(8, points)

        def step(encoder: nn.Module = made[name], clouds: Tensor = clouds) -> None:
            encoder(clouds).square().mean().backward()

        yield Pair(f"{name}-256 step of 8 x {points:,}", step, in_plain_form(step), "plain form", len(clouds))


def ellipsoids(clouds: int, points: int) -> Tensor:
    """(B, N, 3) points of surfaces, in the unit sphere."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(clouds, points, 3, generator=generator)
    axes = 0.3 + torch.rand(clouds, 1, 3, generator=generator)
    return unit_sphere(directions / directions.norm(dim=-1, keepdim=True) * axes)


def point_pretraining(device: str) -> Iterator[Pair]:
    """A whole step, two augmented views and Adam; neighbourhoods found once for each cloud, or in every step."""
    x = torch.randn(1, CLOUDS, 512, 3, device=device)
    finder = PointNetLite(d=256).to(device)
    neighbours = finder.neighbourhoods(x[0])[None].short()
    yield Pair(
        f"PointNetLite-256 pretraining step of {CLOUDS} x 512",
        _pretraining_step((x, neighbours), device),
        _pretraining_step(x, device),
        "neighbourhoods in every step",
        CLOUDS,
    )


def _pretraining_step(batch: Tensor | tuple[Tensor, Tensor], device: str) -> Call:
    policy = PointPolicy(
        RandomCrop(), RandomDropout((0.0, 0.5)), RandomAnisotropicScale(), PointQuantization(), RandomJitter()
    )
    views, encoder = CloudViews([policy, policy]), PointNetLite(d=256)
    method: nn.Module = SimCLR(encoder, encoder.embedding_size(), 512, 128).to(device)
    adam = torch.optim.Adam(method.parameters(), 1e-3)
    generator = torch.Generator(device).manual_seed(0)

    def step() -> None:
        adam.zero_grad()
        loss, _ = method(views(batch, generator=generator))
        loss.backward()
        adam.step()

    return step


def _turned(cloud: NDArray[np.float32], generator: np.random.Generator) -> NDArray:
    angle = generator.uniform(-math.pi, math.pi)
    cos, sin = math.cos(angle), math.sin(angle)
    return cloud @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)


def _dropped(cloud: NDArray[np.float32], generator: np.random.Generator) -> NDArray:
    """As in PointNet++: dropped points become the first one."""
    dropped = np.flatnonzero(generator.random(len(cloud)) <= generator.random() * 0.875)
    cloud = cloud.copy()
    cloud[dropped] = cloud[0]
    return cloud


def _cropped(cloud: NDArray[np.float32], generator: np.random.Generator) -> NDArray:
    centre, sides = cloud[generator.integers(len(cloud))], generator.uniform(0.75, 1.33, 3)
    kept = np.argsort((np.abs(cloud - centre) / sides).max(axis=1))[: int(generator.uniform(0.5, 1.0) * len(cloud))]
    return _filled(cloud, kept, generator)


def _cut(cloud: NDArray[np.float32], generator: np.random.Generator) -> NDArray:
    centre, sides = cloud[generator.integers(len(cloud))], generator.uniform(0.3, 0.6, 3) * np.ptp(cloud, axis=0)
    return _filled(cloud, np.flatnonzero((np.abs(cloud - centre) > sides / 2).any(axis=1)), generator)


def _filled(cloud: NDArray[np.float32], kept: NDArray[np.intp], generator: np.random.Generator) -> NDArray:
    return cloud[np.concatenate([kept, generator.choice(kept, len(cloud) - len(kept))])]


_AUGMENTATIONS: list[tuple[Augmentation, OneCloud]] = [
    (RandomScale(), lambda cloud, generator: cloud * np.float32(generator.uniform(0.8, 1.25))),
    (RandomAnisotropicScale(), lambda cloud, generator: cloud * generator.uniform(2 / 3, 3 / 2, 3)),
    (RandomTranslation(), lambda cloud, generator: cloud + generator.uniform(-0.2, 0.2, 3)),
    (RandomRotation(), _turned),
    (RandomRotation("so3"), _turned),
    (RandomRotationPerturbation(), _turned),
    (RandomJitter(), lambda cloud, generator: cloud + np.clip(generator.normal(0.0, 0.01, cloud.shape), -0.05, 0.05)),
    (RandomDropout(), _dropped),
    (RandomCrop(), _cropped),
    (RandomCutout(), _cut),
    (RandomResample(512), lambda cloud, generator: cloud[generator.permutation(len(cloud))[:512]]),
]
