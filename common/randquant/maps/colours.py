"""A colour for each label."""

import colorsys
from collections.abc import Sequence

# Okabe and Ito's, which most people with colour-blindness tell apart, and that are seen on black and on white.
_FEW = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b8a800")
NONE = "#8a8a8a"


def colours(labels: Sequence[str | None]) -> list[str]:
    """Colours #rrggbb, gray for None; up to seven are told apart by anybody."""
    if len([label for label in labels if label is not None]) <= len(_FEW):
        few = iter(_FEW)
        return [NONE if label is None else next(few) for label in labels]
    return [NONE if label is None else _hue(number) for number, label in enumerate(labels)]


def _hue(number: int) -> str:
    """Hues a golden angle apart, in turn light and dark."""
    red, green, blue = colorsys.hls_to_rgb(number * 0.618034 % 1.0, (0.48, 0.66)[number % 2], 0.7)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
