"""Random Gaussian blur."""

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_factors
from randquant.images.augment.picture_augmentation import PictureAugmentation, uniform


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
        (sigma,) = values
        reach = int(3.0 * self.sigma[1] + 0.5)
        with torch.autocast(x.device.type, enabled=False):
            return blurred(blurred(x, sigma, reach, dim=-2), sigma, reach, dim=-1).clamp_(0.0, 1.0)


def blurred(x: Tensor, sigma: Tensor, reach: int, *, dim: int) -> Tensor:
    """Pictures (B, 3, H, W) blurred along one axis.

    Args:
        x: float32.
        sigma: (B,) deviations in pixels.
        reach: taps on either side, less where the picture is smaller.
        dim: -2 or -1.
    """
    batch, channels, *sides = x.shape
    reach = min(reach, x.shape[dim] - 1)
    offset = torch.arange(-reach, reach + 1, device=x.device)
    taps = (-0.5 * (offset / sigma[:, None]).square()).exp()
    taps = (taps / taps.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    across = dim == -1
    border = (reach, reach, 0, 0) if across else (0, 0, reach, reach)
    # Every channel of every picture is a group of one convolution. (kornia's blur waits for the device to check sigma.)
    padded = functional.pad(x.reshape(1, batch * channels, *sides), border, mode="reflect")
    kernel = taps[:, None, None, :] if across else taps[:, None, :, None]
    return functional.conv2d(padded, kernel, groups=batch * channels).view(x.shape)
