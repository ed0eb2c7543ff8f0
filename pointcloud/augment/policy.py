"""The augmentations of one view of clouds."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn

from randquant.augmentation import Augmentation
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation, OfPoints
from randquant.pointcloud.cloud_batch import CloudBatch


class PointPolicy(nn.Sequential):
    """Augmentations of clouds, applied one after the other, all drawing from the same generator.

    Any `Augmentation` of (B, N, C) fits, `PointQuantization` and `RandomizedQuantization(dim=-2)` among them.

    >>> from randquant.pointcloud.augment.dropping import RandomCrop
    >>> from randquant.pointcloud.augment.rotation import RandomRotation
    >>> policy = PointPolicy(RandomCrop(kept=(0.5, 0.5)), RandomRotation("z"))
    >>> view = policy(CloudBatch(torch.rand(2, 100, 3)))
    >>> view.points.shape, view.kept.sum(dim=1)
    (torch.Size([2, 100, 3]), tensor([50, 50]))
    """

    def __init__(self, *augmentations: Augmentation) -> None:
        super().__init__(*(each if isinstance(each, CloudAugmentation) else OfPoints(each) for each in augmentations))

    def forward(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Augment clouds.

        Args:
            batch: (B, N, C) points and what is known about them.
            generator: source of every draw, on the device of the points.

        Returns:
            points (B, N', C), N' other than N only with `RandomResample`, which also leaves the neighbourhoods out;
            kept (B, N'), false where a slot holds a copy of another's point since some `Dropping`. Every cloud keeps
            at least one.
        """
        batch = batch.with_points(batch.points, batch.genuine)
        for augmentation in cast(Iterable[CloudAugmentation], self):
            batch = augmentation.augment(batch, generator=generator)
        return batch

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Augment clouds of any size (ΣN, C); dropped points are gone."""
        for augmentation in cast(Iterable[CloudAugmentation], self):
            clouds = augmentation.augment_packed(clouds, generator=generator)
        return clouds

    @property
    def keeps_slots(self) -> bool:
        """Whether every kept point stays in its slot, so that neighbourhoods found beforehand still hold."""
        return all(augmentation.keeps_slots for augmentation in cast(Iterable[CloudAugmentation], self))
