"""RandAugment: n operations of one strength."""

from randquant.arguments import checked_count
from randquant.images.augment.automatic.operation import KINDS, Operation
from randquant.policies.one_of import InTurn, OneOf
from randquant.policies.strength import Strength

CHOICES = tuple(name for name in KINDS if name != "invert")


class RandAugment(InTurn):
    """Apply n operations to each picture, one after the other, each chosen out of fourteen.

    Args:
        n: operations a picture.
        m: their strength from 0 to 10, or (lowest, highest) to draw it for each. The paper's scale; the magnitude k of
            torchvision's RandAugment, which counts to 30, is m = k / 3.

    Source: Cubuk et al., "RandAugment", NeurIPS 2020; operations and ranges as in torchvision.
    """

    def __init__(self, n: int = 2, m: float | tuple[float, float] = 9.0) -> None:
        strength = Strength.of(m)
        each = [OneOf(*(Operation(KINDS[name], strength) for name in CHOICES)) for _ in range(checked_count("n", n))]
        super().__init__(*each)
        self.n, self.m = n, m
