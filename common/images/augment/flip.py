"""Random mirroring."""

from torch import Tensor

from randquant.images.augment.picture_augmentation import PictureAugmentation


class RandomFlip(PictureAugmentation):
    """Mirror a picture left to right. `RandomResizedCrop(flip=...)` does it at no cost.

    Args:
        p: probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Mirror all."""
        return x.flip(-1)
