"""Augmentations of clouds (B, N, C), coordinates first: batched, on the device, one draw a cloud.

Here are scale, translation, jitter and resampling, and the names of all others:

| what | where | normals |
|---|---|---|
| `RandomScale`, `RandomTranslation`, `RandomJitter` | here | stay |
| `RandomAnisotropicScale` | here | follow by the inverse transpose, keeping their length |
| `RandomRotation`, `RandomRotationPerturbation` | rotation.py | turn along |
| `RandomDropout`, `RandomCrop`, `RandomCutout` | dropping.py | go with their points |
| `RandomResample` | here | go with their points |
| `PointQuantization` | quantize.py | quantized on their own |

Scales and rotations are about the origin, the centre of a cloud as stored. Lengths are in the units of the cloud, in a
store radii of its unit sphere.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pointcloud.augment.arguments import checked_count, checked_range, checked_size
from pointcloud.augment.cloud_augmentation import (
    CloudAugmentation,
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)
from pointcloud.augment.dropping import Dropping, DroppingParams, RandomCrop, RandomCutout, RandomDropout
from pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation, RotationParams
from pointcloud.cloud_batch import CloudBatch
from pointcloud.layout import XYZ, Layout

__all__ = [
    "Dropping",
    "DroppingParams",
    "JitterParams",
    "PerCloudAugmentation",
    "RandomAnisotropicScale",
    "RandomCrop",
    "RandomCutout",
    "RandomDropout",
    "RandomJitter",
    "RandomResample",
    "RandomRotation",
    "RandomRotationPerturbation",
    "RandomScale",
    "RandomTranslation",
    "ResampleParams",
    "RotationParams",
    "ScaleParams",
    "TranslationParams",
]


class ScaleParams(NamedTuple):
    """One draw of a scale: factor (B, 1), or (B, 3) with one for each axis."""

    factor: Tensor


class RandomScale(PerCloudAugmentation):
    """Multiply the coordinates of every cloud by a uniform factor.

    Args:
        scale: range of the factor, > 0.
        p: probability that a cloud is scaled.

    Source: PointNet++ (NeurIPS 2017) with 0.8 to 1.25; CrossPoint (CVPR 2022) with 0.5 to 2.
    """

    _axes = 1

    def __init__(self, scale: tuple[float, float] = (0.8, 1.25), p: float = 1.0) -> None:
        super().__init__(p)
        self.scale = _checked_scale(scale)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ScaleParams:
        """Draw the factors; only the batch size and device of x are used."""
        check_clouds(x)
        low, high = self.scale
        draws = torch.rand(x.shape[0], self._axes, device=x.device, generator=generator)
        return ScaleParams(torch.where(self._chosen(x, generator)[:, None], low + draws * (high - low), 1.0))

    def transform(self, x: Tensor, params: ScaleParams) -> Tensor:
        """Scale every cloud."""
        check_clouds(x)
        return with_geometry(x, self.layout, in_full_precision(x[..., :3]) * params.factor[:, None])


class RandomAnisotropicScale(RandomScale):
    """Multiply x, y and z of every cloud by factors of their own.

    Args:
        scale: range of each factor, > 0.
        p: probability that a cloud is scaled.
        layout: what the columns mean.

    Source: Point-MAE (ECCV 2022), with 2/3 to 3/2.
    """

    _axes = 3

    def __init__(self, scale: tuple[float, float] = (2 / 3, 3 / 2), p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__(scale, p)
        self.layout = layout

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ScaleParams:
        """Draw three factors a cloud; only the batch size and device of x are used."""
        check_clouds(x, self.layout)
        return super().make_params(x, generator=generator)

    def transform(self, x: Tensor, params: ScaleParams) -> Tensor:
        """Scale every cloud."""
        check_clouds(x, self.layout)
        work, factor = in_full_precision(x), params.factor[:, None]
        normals = None if self.layout.normals is None else _scaled_normals(work[..., self.layout.normals], factor)
        return with_geometry(x, self.layout, work[..., :3] * factor, normals)


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


class JitterParams(NamedTuple):
    """One draw of `RandomJitter`: noise (B, N, 3), clipped, in the units of the cloud."""

    noise: Tensor


class RandomJitter(PerCloudAugmentation):
    """Move every point by normal noise of its own.

    Args:
        sigma: standard deviation along each axis, in the units of the cloud.
        clip: largest movement along an axis, in the same units.
        p: probability that a cloud is jittered.

    Source: PointNet (CVPR 2017), with these values in nearly all later work.
    """

    def __init__(self, sigma: float = 0.01, clip: float = 0.05, p: float = 1.0) -> None:
        super().__init__(p)
        self.sigma, self.clip = checked_size("sigma", sigma), checked_size("clip", clip)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> JitterParams:
        """Draw the noise; only shape and device of x are used."""
        check_clouds(x)
        noise = torch.randn(*x.shape[:2], 3, device=x.device, generator=generator).mul_(self.sigma)
        noise = noise.clamp_(-self.clip, self.clip)
        return JitterParams(torch.where(self._chosen(x, generator)[:, None, None], noise, 0.0))

    def transform(self, x: Tensor, params: JitterParams) -> Tensor:
        """Add the noise."""
        check_clouds(x)
        return with_geometry(x, self.layout, in_full_precision(x[..., :3]) + params.noise)


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

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"count={self.count}"


def _checked_scale(scale: tuple[float, float]) -> tuple[float, float]:
    low, high = checked_range("scale", scale)
    if low == 0.0:
        raise ValueError(f"scale should be two factors > 0, got {scale!r}.")
    return low, high


def _scaled_normals(normals: Tensor, factor: Tensor) -> Tensor:
    """Normals (B, N, 3) of surfaces scaled by factor (B, 1, 3): by the inverse transpose, each as long as before."""
    turned = normals / factor
    length, turned_length = (vectors.norm(dim=-1, keepdim=True) for vectors in (normals, turned))
    # Equal factors give equal lengths, whose ratio is exactly one; a normal of zeros stays one.
    return turned * (length / turned_length.clamp(min=torch.finfo(turned.dtype).tiny))
