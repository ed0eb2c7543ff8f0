"""From values to places along an axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear axis from `low` to `high` over `length`, with round ends.

    >>> Scale.over([0.12, 0.47]).ticks()
    [0.1, 0.2, 0.3, 0.4, 0.5]
    """

    low: float
    high: float
    step: float
    length: float = 1000.0

    @classmethod
    def over(cls, values: Iterable[float], *, length: float = 1000.0, ticks: int = 5) -> "Scale":
        """An axis that holds all values; of one value, some room around it."""
        held = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(held), max(held)
        if high - low < 1e-12:
            room = abs(low) * 0.1 or 0.5
            low, high = low - room, high + room
        rough = (high - low) / ticks
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= rough * 0.999)
        return cls(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step, length)

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return round((value - self.low) / (self.high - self.low) * self.length, 2)

    def ticks(self) -> list[float]:
        """Round values from end to end."""
        count = round((self.high - self.low) / self.step)
        return [round(self.low + place * self.step, 10) for place in range(count + 1)]
