"""Random choices among augmentations of clouds, as `randquant.policies.one_of` makes them among others.

A `CloudBatch` knows more than its points, and a packed one has clouds of any size: whatever an operation does to
either is chosen cloud by cloud.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation, OfPoints
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.policies.one_of import Choices, assign
from randquant.views import stacked, taken


class CloudInTurn(CloudAugmentation):
    """Augmentations of clouds one after the other, as one.

    Args:
        augmentations: any number, each of which keeps every point in its slot.

    Raises:
        ValueError: one moves points to other slots.
    """

    def __init__(self, *augmentations: Augmentation) -> None:
        super().__init__()
        self.augmentations = nn.ModuleList(as_cloud_augmentation(each) for each in augmentations)

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Augment clouds."""
        for each in _of_clouds(self.augmentations):
            batch = each.augment(batch, generator=generator)
        return batch

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Augment clouds of any size."""
        for each in _of_clouds(self.augmentations):
            clouds = each.augment_packed(clouds, generator=generator)
        return clouds


class CloudOneOf(CloudAugmentation):
    """Apply to every cloud one of several augmentations, all equally likely.

    Args:
        operations: one or more, each of which keeps every point in its slot.

    Raises:
        ValueError: none is given, or one moves points to other slots.
    """

    def __init__(self, *operations: Augmentation) -> None:
        super().__init__()
        if not operations:
            raise ValueError("expected at least one operation, got none.")
        self.operations = nn.ModuleList(as_cloud_augmentation(each) for each in operations)

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Draw an operation a cloud, and apply it."""
        if not self.training:
            return batch
        points = batch.points
        assignment = assign(len(points), len(self.operations), device=points.device, generator=generator)
        whole = batch.with_points(points, batch.genuine)
        parts = [
            each.augment(_taken(whole, clouds), generator=generator)
            for each, clouds in zip(_of_clouds(self.operations), assignment.samples, strict=True)
        ]
        return _taken(_joined(parts), assignment.place)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """The same of clouds of any size."""
        if not self.training:
            return clouds
        assignment = assign(len(clouds), len(self.operations), device=clouds.rows.device, generator=generator)
        parts = [
            each.augment_packed(clouds.taken(numbers), generator=generator)
            for each, numbers in zip(_of_clouds(self.operations), assignment.samples, strict=True)
        ]
        return PackedBatch.joined(parts).taken(assignment.place)


class CloudSometimes(CloudAugmentation):
    """Apply an augmentation to each cloud with probability p.

    Args:
        augmentation: one that keeps every point in its slot.
        p: in [0, 1].

    Raises:
        ValueError: p is no probability, or the augmentation moves points to other slots.
    """

    def __init__(self, augmentation: Augmentation, p: float) -> None:
        super().__init__()
        self.augmentation, self.p = as_cloud_augmentation(augmentation), checked_probability("p", p)

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Draw which clouds are changed, and change them."""
        if not self.training:
            return batch
        place = self._place(len(batch.points), batch.points.device, generator)
        whole = batch.with_points(batch.points, batch.genuine)
        return _taken(_joined([whole, self.augmentation.augment(whole, generator=generator)]), place)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """The same of clouds of any size."""
        if not self.training:
            return clouds
        place = self._place(len(clouds), clouds.rows.device, generator)
        changed = self.augmentation.augment_packed(clouds, generator=generator)
        return PackedBatch.joined([clouds, changed]).taken(place)

    def _place(self, size: int, device: torch.device, generator: torch.Generator | None) -> Tensor:
        """Where each cloud (size,) is among the unchanged ones followed by the changed ones."""
        chosen = torch.rand(size, device=device, generator=generator) < self.p
        return torch.arange(size, device=device) + size * chosen


CLOUD_CHOICES = Choices(CloudOneOf, CloudSometimes, CloudInTurn)


def as_cloud_augmentation(augmentation: Augmentation) -> CloudAugmentation:
    """Any augmentation of (B, N, C) as one of clouds.

    Raises:
        ValueError: it moves points to other slots.
    """
    made = augmentation if isinstance(augmentation, CloudAugmentation) else OfPoints(augmentation)
    if not made.keeps_slots:
        raise ValueError(f"{type(augmentation).__name__} takes other points, so it cannot be chosen cloud by cloud.")
    return made


def _of_clouds(modules: nn.ModuleList) -> Iterable[CloudAugmentation]:
    return cast(Iterable[CloudAugmentation], modules)


def _joined(batches: list[CloudBatch]) -> CloudBatch:
    return CloudBatch(*cast(tuple[Tensor, ...], stacked(batches)))


def _taken(batch: CloudBatch, numbers: Tensor) -> CloudBatch:
    return cast(CloudBatch, taken(batch, numbers))
