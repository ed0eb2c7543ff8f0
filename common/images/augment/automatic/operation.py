"""The operations that automatic policies choose from, each by one magnitude."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from randquant.extras import needs
from randquant.images.augment.automatic.warp import rotated, sheared_x, sheared_y, shifted_x, shifted_y
from randquant.images.augment.colour import BRIGHTNESS, CONTRAST, SATURATION, blended
from randquant.images.augment.equalize import equalized
from randquant.images.augment.picture_augmentation import PictureAugmentation, uniform
from randquant.images.augment.posterize import posterized
from randquant.images.augment.solarize import solarized
from randquant.policies.strength import Strength

FULL = Strength(1.0, 1.0)


class Kind(NamedTuple):
    """What an operation does: pictures and magnitudes (B,) -> pictures.

    Attributes:
        change: of pictures (B, 3, H, W), float32 in [0, 1].
        weakest, strongest: the magnitudes of strength 0 and 1.
        signed: whether the magnitude is negative half of the time.
    """

    change: Callable[[Tensor, Tensor], Tensor]
    weakest: float = 0.0
    strongest: float = 0.0
    signed: bool = False


def _towards(change: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Away from black, mean or gray where the magnitude is above zero, towards it where it is below."""
    return lambda x, magnitude: blended(x, 1.0 + magnitude, torch.full((len(x),), change, device=x.device))


def sharpened(x: Tensor, magnitude: Tensor) -> Tensor:
    """Away from a smoothed form where the magnitude (B,) is above zero, towards it where it is below."""
    if min(x.shape[-2:]) < 3:
        return x  # nothing but border
    with needs("images"):
        from kornia.enhance import sharpness
    return sharpness(x, 1.0 + magnitude)


def stretched(x: Tensor, magnitude: Tensor) -> Tensor:
    """The values of each channel stretched to [0, 1]; a constant channel stays."""
    low, high = x.amin(dim=(-2, -1), keepdim=True), x.amax(dim=(-2, -1), keepdim=True)
    constant = low == high
    return torch.where(constant, x, (x - low) / torch.where(constant, 1.0, high - low))


# Ranges as torchvision takes them from the papers.
KINDS: dict[str, Kind] = {
    "identity": Kind(lambda x, magnitude: x),
    "shear_x": Kind(sheared_x, 0.0, 0.3, signed=True),
    "shear_y": Kind(sheared_y, 0.0, 0.3, signed=True),
    "shift_x": Kind(lambda x, share: shifted_x(x, share * x.shape[-1]), 0.0, 150 / 331, signed=True),
    "shift_y": Kind(lambda x, share: shifted_y(x, share * x.shape[-2]), 0.0, 150 / 331, signed=True),
    "rotate": Kind(rotated, 0.0, 30.0, signed=True),
    "brightness": Kind(_towards(BRIGHTNESS), 0.0, 0.9, signed=True),
    "saturation": Kind(_towards(SATURATION), 0.0, 0.9, signed=True),
    "contrast": Kind(_towards(CONTRAST), 0.0, 0.9, signed=True),
    "sharpness": Kind(sharpened, 0.0, 0.9, signed=True),
    "posterize": Kind(lambda x, bits: posterized(x, bits.round()), 8.0, 4.0),
    "solarize": Kind(solarized, 1.0, 0.0),
    "autocontrast": Kind(stretched),
    "equalize": Kind(lambda x, magnitude: equalized(x)),
    "invert": Kind(lambda x, magnitude: 1.0 - x),
}


class Operation(PictureAugmentation):
    """One operation, whose magnitude is drawn for each picture.

    Args:
        kind: what it does.
        strength: range of the strength in [0, 1].
        p: probability.
        levels: 0, or how many strengths there are, at equal distances from 0 to 1; `strength` is not used then.
    """

    def __init__(self, kind: Kind, strength: Strength = FULL, p: float = 1.0, levels: int = 0) -> None:
        super().__init__(p)
        self.kind, self.strength, self.levels = kind, strength, levels

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """A magnitude a picture."""
        if self.levels:
            level = torch.randint(self.levels, (len(x),), device=x.device, generator=generator)
            strength = level / (self.levels - 1)
        else:
            strength = uniform(x, *self.strength, generator)
        sign = uniform(x, 0.0, 1.0, generator)
        magnitude = self.kind.weakest + (self.kind.strongest - self.kind.weakest) * strength
        return (torch.where(sign < 0.5, -magnitude, magnitude) if self.kind.signed else magnitude,)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Change all."""
        return self.kind.change(x, *values)
