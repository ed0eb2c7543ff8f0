"""Random shifts of clouds."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_size
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import (
    CloudAugmentation,
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)


class TranslationParams(NamedTuple):
    """One draw of `RandomTranslation`: shift (B, 3) as fractions of the largest one, in [-1, 1]."""

    shift: Tensor


class RandomTranslation(PerCloudAugmentation):
    """Move every cloud by a uniform shift along each axis.

    Args:
        distance: largest shift either way along an axis, in the units of the cloud.
        relative: the distance is a fraction of the cloud's extent along that axis instead.
        p: probability that a cloud is moved.

    Source: Point-MAE (ECCV 2022) with 0.2; relative to the extent in STRL (ICCV 2021) with 0.1 and CrossPoint
    (CVPR 2022) with 0.5.
    """

    def __init__(self, distance: float = 0.2, relative: bool = False, p: float = 1.0) -> None:
        super().__init__(p)
        self.distance, self.relative = checked_size("distance", distance), bool(relative)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> TranslationParams:
        """Draw the shifts; only the batch size and device of x are used."""
        check_clouds(x)
        draws = torch.rand(x.shape[0], 3, device=x.device, generator=generator)
        return TranslationParams(torch.where(self._chosen(x, generator)[:, None], draws * 2.0 - 1.0, 0.0))

    def transform(self, x: Tensor, params: TranslationParams) -> Tensor:
        """Move every cloud."""
        check_clouds(x)
        xyz = in_full_precision(x[..., :3])
        shift = (params.shift * self.distance)[:, None]
        if self.relative:
            shift = shift * (xyz.amax(dim=1, keepdim=True) - xyz.amin(dim=1, keepdim=True))
        return with_geometry(x, self.layout, xyz + shift)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Move clouds of any size; by a fraction of the extent one after the other."""
        way = CloudAugmentation if self.relative else PerCloudAugmentation
        return way.augment_packed(self, clouds, generator=generator)
