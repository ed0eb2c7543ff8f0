"""Random inversion of what is bright."""

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.images.augment.picture_augmentation import PictureAugmentation, each


class RandomSolarize(PictureAugmentation):
    """Invert every value at or above a threshold: x -> 1 - x.

    Args:
        p: probability.
        threshold: in [0, 1].

    Source: Grill et al., BYOL, NeurIPS 2020, appendix B.
    """

    def __init__(self, p: float = 0.2, threshold: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = checked_probability("threshold", threshold)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Solarize all."""
        return solarized(x, x.new_full((len(x),), self.threshold))


def solarized(x: Tensor, threshold: Tensor) -> Tensor:
    """Pictures with the values at or above each one's threshold (B,) inverted."""
    return torch.where(x >= each(threshold), 1.0 - x, x)
