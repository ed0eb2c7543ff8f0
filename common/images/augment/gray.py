"""Random loss of colour."""

from torch import Tensor

from randquant.images.augment.picture_augmentation import PictureAugmentation

RED, GREEN, BLUE = 0.2989, 0.587, 0.114  # weights of ITU-R BT.601, as torchvision rounds them


def luma(x: Tensor) -> Tensor:
    """Brightness (B, 1, H, W) of pictures."""
    red, green, blue = x.split(1, dim=1)
    return (red * RED).add_(green, alpha=GREEN).add_(blue, alpha=BLUE)


class RandomGray(PictureAugmentation):
    """Replace all three channels by the brightness.

    Args:
        p: probability.
    """

    def __init__(self, p: float = 0.2) -> None:
        super().__init__(p)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Make all gray."""
        return luma(x).expand_as(x)
