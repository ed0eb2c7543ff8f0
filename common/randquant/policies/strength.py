"""How strong a randomly chosen operation is."""

import math
from typing import NamedTuple

MOST = 10.0  # the strongest; 0 is the weakest


class Strength(NamedTuple):
    """A strength in [0, 1], drawn for every sample by itself, uniformly between `low` and `high`.

    An operation of a policy is made from it: `span` gives the range of its magnitude. The augmentation draws inside
    that range; one that knows only its largest magnitude takes the upper end.
    """

    low: float
    high: float

    @classmethod
    def of(cls, m: float | tuple[float, float]) -> "Strength":
        """Of the number 0 to 10 that policies are written with, or of the lowest and highest of a range.

        Raises:
            ValueError: out of range, or the lower one is not first.

        >>> Strength.of(9), Strength.of((0, 5))
        (Strength(low=0.9, high=0.9), Strength(low=0.0, high=0.5))
        """
        low, high = m if isinstance(m, tuple) else (m, m)
        if not 0.0 <= low <= high <= MOST:
            raise ValueError(f"m should be a strength from 0 to {MOST:g}, or two with the lower one first, got {m!r}.")
        return cls(low / MOST, high / MOST)

    def span(self, weakest: float, strongest: float) -> tuple[float, float]:
        """The range of a magnitude that is `weakest` at strength 0 and `strongest` at 1, the lower end first.

        >>> Strength.of((0, 5)).span(1.0, 0.5)
        (0.75, 1.0)
        """
        ends = [weakest * (1.0 - share) + strongest * share for share in self]
        return min(ends), max(ends)

    def bins(self, weakest: int, strongest: int) -> tuple[int, int]:
        """The same for bins of a quantizer, whose number falls geometrically.

        >>> Strength.of(10).bins(64, 4), Strength.of((0, 5)).bins(64, 4)
        ((4, 4), (16, 64))
        """
        low, high = self.span(math.log(weakest), math.log(strongest))
        return round(math.exp(low)), round(math.exp(high))
