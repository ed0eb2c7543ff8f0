"""Valid ranges of a command's settings."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Range(NamedTuple):
    """From `low` to `high`, both included."""

    low: float
    high: float
    above: bool = False  # whether `low` itself is left out

    def holds(self, value: float) -> bool:
        """Whether the value is inside; NaN never is."""
        return self.low <= value <= self.high and not (self.above and value == self.low)

    def __str__(self) -> str:
        first = f"above {_shown(self.low)} and up" if self.above else f"from {_shown(self.low)}"
        return f"{first} to {_shown(self.high)}"


SEEDS = Range(0, 2**63 - 1)  # what every generator takes


def check_ranges(settings: Any, ranges: Mapping[str, Range], prefix: str = "--") -> None:
    """Check the attributes of `settings` against their ranges; of sequences, every number.

    Args:
        settings, ranges: an object, and the range of each attribute.
        prefix: of the names in messages; they are flags unless it is empty.

    Raises:
        ValueError: naming the flag, what it takes and what it got.
    """
    for name, allowed in ranges.items():
        value = getattr(settings, name)
        several = isinstance(value, list | tuple)
        if not all(allowed.holds(each) for each in (value if several else [value])):
            shown = " ".join(map(_shown, value)) if several else _shown(value)
            raise ValueError(f"{prefix}{name} should be {allowed}, got {shown}.")


def check_rising(settings: Any, name: str) -> None:
    """Check a number of bins, or the lowest and the highest of a range.

    Raises:
        ValueError: naming the flag, what it takes and what it got.
    """
    bins = getattr(settings, name)
    if len(bins) not in (1, 2) or not bins[0] <= bins[-1]:
        shown = " ".join(map(str, bins)) or "none"
        raise ValueError(f"--{name} takes one number of bins, or two with the lower one first, got {shown}.")


def _shown(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}" if abs(number) < 10**30 else f"a number of {len(str(number))} digits"
    return f"{number:g}"
