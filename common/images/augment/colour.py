"""Colour jitter: random brightness, contrast, saturation and hue."""

import torch
from torch import Tensor

from randquant.arguments import checked_size
from randquant.images.augment.gray import luma
from randquant.images.augment.picture_augmentation import PictureAugmentation, changed_where, each

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class ColourJitter(PictureAugmentation):
    """Change brightness, contrast, saturation and hue, in an order drawn for each picture.

    A strength s draws factors from U(max(0, 1 - s), 1 + s); hue turns by U(-h, h) of the circle. The order is drawn per
    picture because the changes do not commute and the papers draw it so (BYOL, appendix B). Three of the four are
    blends with a darker, a flatter or a grayer picture, so that a batch of mixed orders takes four passes.

    Args:
        brightness, contrast, saturation: strengths >= 0.
        hue: in [0, 0.5].
        p: probability.

    Source: Howard, arXiv 1312.5402; Chen et al., SimCLR, ICML 2020; arithmetic and ranges as torchvision's ColorJitter.
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.2,
        hue: float = 0.1,
        p: float = 0.8,
    ) -> None:
        super().__init__(p)
        self.brightness, self.contrast = checked_size("brightness", brightness), checked_size("contrast", contrast)
        self.saturation, self.hue = checked_size("saturation", saturation), checked_size("hue", hue)
        if hue > 0.5:
            raise ValueError(f"hue should be from 0 to 0.5, half of the circle, got {hue!r}.")

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """Factors (B, 4), the last one the turn of hue, and the order (B, 4) of the changes."""
        draws = torch.rand(len(x), 8, device=x.device, generator=generator)
        factors = [
            draw * (1.0 + strength - max(0.0, 1.0 - strength)) + max(0.0, 1.0 - strength)
            for draw, strength in zip(
                draws.unbind(dim=1), (self.brightness, self.contrast, self.saturation), strict=False
            )
        ]
        hue = (2.0 * draws[:, 3] - 1.0) * self.hue
        return torch.stack([*factors, hue], dim=1), draws[:, 4:].argsort(dim=1)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Jitter all."""
        factors, order = values
        for change in order.unbind(dim=1):
            factor = factors.gather(1, change[:, None])[:, 0]
            x = blended(x, torch.where(change == HUE, 1.0, factor), change)
            if self.hue:
                x = changed_where(change == HUE, x, turned_hue, factor)
        return x


def blended(x: Tensor, factor: Tensor, change: Tensor) -> Tensor:
    """Pictures moved towards or away from black, their mean brightness, or their gray form.

    Args:
        x: pictures (B, 3, H, W).
        factor: (B,); 0 gives the other picture, 1 the picture itself.
        change: (B,) BRIGHTNESS, CONTRAST or SATURATION.
    """
    gray = luma(x)
    mean = gray.mean(dim=(-2, -1), keepdim=True)
    other = torch.where(each(change == SATURATION), gray, mean * each(change == CONTRAST))
    return torch.lerp(other, x, each(factor)).clamp_(0.0, 1.0)


def turned_hue(x: Tensor, turn: Tensor) -> Tensor:
    """Pictures with their hue turned by (B,) of the full circle; gray stays."""
    high, low = x.amax(dim=1, keepdim=True), x.amin(dim=1, keepdim=True)
    chroma = high - low
    red, green, blue = ((high - x) / torch.where(chroma == 0.0, 1.0, chroma)).split(1, dim=1)
    # Sixths of the circle from red, by the channel that is highest (Smith, SIGGRAPH 1978).
    sixth = torch.where(red == 0.0, blue - green, torch.where(green == 0.0, 2.0 + red - blue, 4.0 + green - red))
    sixth = sixth + 6.0 * each(turn)
    return torch.cat([_channel(high, chroma, sixth, sixths) for sixths in (5.0, 3.0, 1.0)], dim=1)


def _channel(high: Tensor, chroma: Tensor, sixth: Tensor, sixths: float) -> Tensor:
    """One channel (B, 1, H, W), which falls from the highest value to the lowest as the hue moves away from it."""
    place = torch.remainder(sixth + sixths, 6.0)
    return high - chroma * torch.minimum(place, 4.0 - place).clamp_(0.0, 1.0)
