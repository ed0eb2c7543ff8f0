"""Random equalization of histograms."""

from torch import Tensor

from randquant.extras import needs
from randquant.images.augment.picture_augmentation import PictureAugmentation


class RandomEqualize(PictureAugmentation):
    """Spread the values of each channel evenly over [0, 1], as PIL's ImageOps.equalize.

    Args:
        p: probability.
    """

    def __init__(self, p: float = 0.2) -> None:
        super().__init__(p)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Equalize all."""
        return equalized(x)


def equalized(x: Tensor) -> Tensor:
    """Pictures with an even histogram in each channel."""
    with needs("images"):
        from kornia.enhance import equalize
    return equalize(x)
