"""Random noise on the coordinates of every point."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range, checked_size
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import (
    PerCloudAugmentation,
    check_clouds,
    in_full_precision,
    with_geometry,
)


class JitterParams(NamedTuple):
    """One draw of `RandomJitter`: noise (B, N, 3), clipped, in the units of the cloud."""

    noise: Tensor


class RandomJitter(PerCloudAugmentation):
    """Add independent normal noise to every point.

    Args:
        sigma: standard deviation along each axis, in the units of the cloud; two numbers are the ends of a range that
            it is drawn from for each cloud, evenly.
        clip: largest movement along an axis, in the same units.
        p: probability that a cloud is jittered.

    Source: PointNet (CVPR 2017), with these values in nearly all later work.
    """

    def __init__(self, sigma: float | Sequence[float] = 0.01, clip: float = 0.05, p: float = 1.0) -> None:
        super().__init__(p)
        low, high = sigma if isinstance(sigma, Sequence) else (sigma, sigma)
        low, high = checked_range("sigma", (low, high))
        self.sigma = low if low == high else (low, high)
        self.clip = checked_size("clip", clip)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> JitterParams:
        """Draw the noise; only shape and device of x are used."""
        check_clouds(x)
        sigma = self._sigma(x, generator)
        noise = self._noise(x.shape[:2], x, sigma if isinstance(sigma, float) else sigma[:, None, None], generator)
        return JitterParams(torch.where(self._chosen(x, generator)[:, None, None], noise, 0.0))

    def transform(self, x: Tensor, params: JitterParams) -> Tensor:
        """Add the noise."""
        check_clouds(x)
        return with_geometry(x, self.layout, in_full_precision(x[..., :3]) + params.noise)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Add noise to clouds of any size."""
        if not self.training:
            return clouds
        sigma = self._sigma(clouds.first_rows(), generator)
        own = sigma if isinstance(sigma, float) else sigma[clouds.cloud, None]
        noise = self._noise((1, len(clouds.rows)), clouds.rows, own, generator)
        chosen = self._chosen(clouds.first_rows(), generator)[clouds.cloud]
        params = JitterParams(torch.where(chosen[:, None], noise, 0.0))
        return clouds.with_rows(self.transform(clouds.rows[None], params)[0])

    def _sigma(self, x: Tensor, generator: torch.Generator | None) -> float | Tensor:
        """The deviation of all clouds x (B, ...), or of each (B,) where there is a range."""
        if isinstance(self.sigma, float):
            return self.sigma
        low, high = self.sigma
        return low + (high - low) * torch.rand(len(x), device=x.device, generator=generator)

    def _noise(
        self, shape: tuple[int, ...], x: Tensor, sigma: float | Tensor, generator: torch.Generator | None
    ) -> Tensor:
        noise = torch.randn(*shape, 3, device=x.device, generator=generator).mul_(sigma)
        return noise.clamp_(-self.clip, self.clip)
