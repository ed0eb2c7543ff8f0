"""Augmentations of clouds of any size against the same of one cloud."""

import pytest
import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation, OfPoints
from randquant.pointcloud.augment.dropping import Dropping, RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.elastic import RandomElastic
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.one_of import CloudInTurn, CloudOneOf, CloudSometimes
from randquant.pointcloud.augment.policy import PointPolicy
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale, RandomScale
from randquant.pointcloud.augment.shear import RandomShear
from randquant.pointcloud.augment.translation import RandomTranslation
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.layout import XYZ_NORMALS, Layout
from randquant.quantize import RandomizedQuantization

COLOURED = Layout.of((*XYZ_NORMALS.channels, "r", "g", "b"))
FEW = Quantizer(bins=4, p=0.5)
EACH: dict[str, CloudAugmentation] = {
    "scale": RandomScale(p=0.5),
    "stretch": RandomAnisotropicScale(layout=XYZ_NORMALS),
    "rotation": RandomRotation("so3", layout=XYZ_NORMALS),
    "perturbation": RandomRotationPerturbation(p=0.5, layout=XYZ_NORMALS),
    "translation": RandomTranslation(),
    "relative translation": RandomTranslation(relative=True),
    "jitter": RandomJitter(p=0.5),
    "dropout": RandomDropout(minimum=3),
    "crop": RandomCrop(p=0.7, minimum=3),
    "cutout": RandomCutout(minimum=3),
    "rq": PointQuantization(FEW),
    "shared rq": PointQuantization(Quantizer(bins=4), shared=True, jitter=0.1, renormalise=True),
    "rq of all": PointQuantization(FEW, FEW, FEW, layout=COLOURED),
    "shear": RandomShear(),
    "elastic": RandomElastic((0.1, 0.2), p=0.5),
    "one of one": CloudOneOf(RandomDropout(minimum=3)),
    "in turn": CloudInTurn(CloudSometimes(RandomScale(), 0.5), RandomCrop(minimum=3)),
    "any other": OfPoints(RandomizedQuantization(4, dim=-2)),
    "resample": RandomResample(2),
}


def clouds(name: str, sizes: list[int], seed: int = 0) -> list[Tensor]:
    width = 9 if name == "rq of all" else 6 if isinstance(EACH[name], RandomAnisotropicScale | RandomRotation) else 3
    width = 6 if name == "perturbation" else width
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, width, generator=generator) for size in sizes]


def packed(name: str, batch: list[Tensor]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    return EACH[name].augment_packed(PackedBatch.of(batch), generator=generator).split()


@pytest.mark.parametrize("name", EACH)
def test_a_packed_cloud_alone_is_a_batch_of_one(name: str) -> None:
    (cloud,) = clouds(name, [50])
    alone = EACH[name].augment(CloudBatch(cloud[None]), generator=torch.Generator().manual_seed(1))
    expected = alone.points[0] if alone.kept is None else alone.points[0][alone.kept[0]]
    (found,) = packed(name, [cloud])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", EACH)
def test_a_cloud_does_not_see_the_others(name: str) -> None:
    sizes = [5, 2, 40, 3]
    batch, others = clouds(name, sizes), clouds(name, sizes, seed=7)
    found = packed(name, batch)
    for place in range(len(sizes)):
        company = [cloud if number == place else others[number] for number, cloud in enumerate(batch)]
        again = packed(name, company)[place]
        torch.testing.assert_close(again, found[place], atol=0, rtol=0)
    if isinstance(EACH[name], Dropping):
        assert all(min(3, size) <= len(cloud) <= size for size, cloud in zip(sizes, found, strict=True))


@pytest.mark.parametrize("name", EACH)
def test_nothing_happens_in_eval_mode(name: str) -> None:
    batch = PackedBatch.of(clouds(name, [5, 2]))
    EACH[name].eval()
    assert EACH[name].augment_packed(batch) is batch
    EACH[name].train()


def test_a_policy_draws_in_turn() -> None:
    policy = PointPolicy(EACH["crop"], EACH["scale"])
    batch = PackedBatch.of(clouds("crop", [50, 8]))
    found = policy.augment_packed(batch, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    cropped = EACH["crop"].augment_packed(batch, generator=generator)
    assert torch.equal(found.rows, EACH["scale"].augment_packed(cropped, generator=generator).rows)
    assert found.sizes == cropped.sizes
