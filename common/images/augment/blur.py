"""Random Gaussian blur."""

import torch
from torch import Tensor

from common.images.augment.picture_augmentation import PictureAugmentation, uniform
from randquant.arguments import checked_factors
from randquant.extras import needs


class RandomBlur(PictureAugmentation):
    """Blur by a Gaussian of random width, with reflected borders.

    The kernel reaches as far as three of the largest deviations, less where the picture is smaller.

    Args:
        p: probability.
        sigma: range of the deviation in pixels.

    Source: Chen et al., SimCLR, ICML 2020, appendix A; deviations for 224 px.
    """

    def __init__(self, p: float = 0.5, sigma: tuple[float, float] = (0.1, 2.0)) -> None:
        super().__init__(p)
        self.sigma = checked_factors("sigma", sigma)

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """A deviation a picture."""
        return (uniform(x, *self.sigma, generator),)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Blur all."""
        with needs("images"):
            from kornia.filters import gaussian_blur2d
        (sigma,) = values
        reach = int(3.0 * self.sigma[1] + 0.5)
        taps = (2 * min(reach, x.shape[-2] - 1) + 1, 2 * min(reach, x.shape[-1] - 1) + 1)
        with torch.autocast(x.device.type, enabled=False):
            return gaussian_blur2d(x, taps, sigma[:, None].expand(-1, 2)).clamp_(0.0, 1.0)
