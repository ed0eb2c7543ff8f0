"""Random local patches of clouds, their local views."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_count
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import CloudAugmentation, check_clouds, in_full_precision
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.segment import lowest


class PatchParams(NamedTuple):
    """One draw of `RandomLocalPatch`: slots (B, count) int64, those that are taken, in the order of the cloud."""

    slots: Tensor


class RandomLocalPatch(CloudAugmentation):
    """Take the `count` points of every cloud that are nearest to a random one of its points.

    The patch stays where it is in the cloud. Points move to other slots: neighbourhoods computed beforehand do not hold
    after it.

    Args:
        count: points to take; clouds of one size must have as many, clouds of any size are taken whole where they have
            fewer.
    """

    keeps_slots = False

    def __init__(self, count: int = 512) -> None:
        super().__init__()
        self.count = checked_count("count", count)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> PatchParams:
        """Draw the middle of each patch and find its points.

        Raises:
            ValueError: the clouds have fewer points.
        """
        check_clouds(x)
        if x.shape[1] < self.count:
            raise ValueError(f"expected clouds of at least {self.count} points for a patch, got {x.shape[1]}.")
        offsets = torch.arange(len(x) + 1, device=x.device) * x.shape[1]
        distance = _distance(PackedBatch(x.flatten(0, 1), offsets), generator).view(x.shape[:2])
        # In the order of the cloud: encoders may take the first points, the most spread ones of a store, for centres.
        return PatchParams(distance.topk(self.count, dim=1, largest=False).indices.sort(dim=1).values)

    def transform(self, x: Tensor, params: PatchParams) -> Tensor:
        """Take the points; all columns move together. (B, N, C) -> (B, count, C)."""
        return x.gather(1, params.slots[..., None].expand(-1, -1, x.shape[-1]))

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Take the points; neighbourhoods found beforehand are left out."""
        if not self.training:
            return batch
        params = self.make_params(batch.points, generator=generator)
        return CloudBatch(self.transform(batch.points, params), None, batch.genuine.gather(1, params.slots))

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """The same of clouds of any size."""
        if not self.training:
            return clouds
        distance = _distance(clouds, generator)
        farthest = lowest(distance, clouds, clouds.offsets.diff().clamp(max=self.count) - 1)
        return clouds.only(distance <= farthest[clouds.cloud])


def _distance(clouds: PackedBatch, generator: torch.Generator | None) -> Tensor:
    """(ΣN,): the squared distance of every point from a random one of its cloud."""
    sizes = clouds.offsets.diff()
    draw = torch.rand(len(clouds), device=clouds.rows.device, generator=generator)
    xyz = in_full_precision(clouds.rows[:, :3])
    middle = xyz[clouds.offsets[:-1] + (draw * sizes).long().minimum(sizes - 1)]
    return (xyz - middle[clouds.cloud]).square().sum(dim=1)
