"""Random subsets of the points of clouds."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_count
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation, check_clouds
from randquant.pointcloud.cloud_batch import CloudBatch


class ResampleParams(NamedTuple):
    """One draw of `RandomResample`: slots (B, count) int64, those that are taken."""

    slots: Tensor


class RandomResample(CloudAugmentation):
    """Take `count` random points of every cloud, each at most once, in random order.

    The only augmentation that moves points to other slots and changes N: neighbourhoods computed beforehand do not
    hold after it.

    Args:
        count: points to take; the clouds must have as many.

    Source: a new subset of a dense cloud for every view, as in PointNeXt (NeurIPS 2022, "point resampling").
    """

    keeps_slots = False

    def __init__(self, count: int = 1024) -> None:
        super().__init__()
        self.count = checked_count("count", count)

    def make_params(
        self, x: Tensor, *, kept: Tensor | None = None, generator: torch.Generator | None = None
    ) -> ResampleParams:
        """Draw the points.

        Args:
            x: clouds (B, N, C); only shape and device are used.
            kept: (B, N) bool, the slots that are genuine after earlier droppings; these are taken first.
            generator: source of the draw, on the device of x.

        Raises:
            ValueError: the clouds have fewer points.
        """
        check_clouds(x)
        if x.shape[1] < self.count:
            raise ValueError(f"expected clouds of at least {self.count} points to resample, got {x.shape[1]}.")
        draws = torch.rand(x.shape[:2], device=x.device, generator=generator)
        draws = draws if kept is None else draws + kept
        # In the order of the cloud: encoders may take the first points, the most spread ones of a store, for centres.
        return ResampleParams(draws.topk(self.count, dim=1).indices.sort(dim=1).values)

    def transform(self, x: Tensor, params: ResampleParams) -> Tensor:
        """Take the points; all columns move together. (B, N, C) -> (B, count, C)."""
        return x.gather(1, params.slots[..., None].expand(-1, -1, x.shape[-1]))

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Take genuine points first; neighbourhoods found beforehand are left out."""
        if not self.training:
            return batch
        params = self.make_params(batch.points, kept=batch.kept, generator=generator)
        points, kept = self.transform(batch.points, params), batch.genuine.gather(1, params.slots)
        return CloudBatch(points, None, kept)
