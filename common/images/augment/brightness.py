"""Random brightness and contrast as Albumentations has them."""

import torch
from torch import Tensor

from randquant.arguments import checked_size
from randquant.images.augment.picture_augmentation import PictureAugmentation, each, uniform


class RandomBrightnessContrast(PictureAugmentation):
    """Scale all values and shift them: x -> (1 + U(-contrast, contrast)) x + U(-brightness, brightness).

    Args:
        p: probability.
        brightness: largest shift, >= 0.
        contrast: largest change of the scale, in [0, 1]; 0 leaves brightness alone, as in Modified-MoCo's code.
    """

    def __init__(self, p: float = 0.2, brightness: float = 0.2, contrast: float = 0.2) -> None:
        super().__init__(p)
        self.brightness, self.contrast = checked_size("brightness", brightness), checked_size("contrast", contrast)

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """Shift and scale a picture."""
        shift = uniform(x, -self.brightness, self.brightness, generator)
        return shift, 1.0 + uniform(x, -self.contrast, self.contrast, generator)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Change all."""
        shift, scale = values
        return (x * each(scale) + each(shift)).clamp_(0.0, 1.0)
