"""Random loss of the lower bits."""

import torch
from torch import Tensor

from randquant.arguments import checked_count
from randquant.images.augment.picture_augmentation import PictureAugmentation, each


class RandomPosterize(PictureAugmentation):
    """Keep the highest bits of eight of every value, as many as drawn.

    Args:
        p: probability.
        bits: lowest and highest number of bits kept, 1 to 8, both included.
    """

    def __init__(self, p: float = 0.2, bits: tuple[int, int] = (4, 4)) -> None:
        super().__init__(p)
        for number in bits:
            checked_count("bits", number)
        if len(bits) != 2 or not bits[0] <= bits[1] <= 8:
            raise ValueError(f"bits should be two numbers with 1 <= low <= high <= 8, got {bits!r}.")
        self.bits = bits

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """The number of bits a picture."""
        low, high = self.bits
        return (torch.randint(low, high + 1, (len(x),), device=x.device, generator=generator),)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Posterize all."""
        return posterized(x, *values)


def posterized(x: Tensor, bits: Tensor) -> Tensor:
    """Pictures whose values keep the highest of eight bits, (B,) a picture; a level is a multiple of 1 / 255."""
    step = each(torch.exp2(8.0 - bits))
    return ((x * 255.0).floor_() / step).floor_().mul_(step).div_(255.0)
