"""Confidence intervals over repeats of a probe and over test items."""

import math
from collections.abc import Sequence

import numpy as np

_NORMAL_975 = 1.959963984540054  # 97.5 % quantile of the normal distribution


def repeats_half_width(values: Sequence[float]) -> float | None:
    """Half-width of the 95 % Student t interval of the mean of `values`; None where there is only one.

    It tells how much initialisation, order and held-out part matter, not how few items were scored.

    >>> round(repeats_half_width([0.70, 0.72, 0.74]), 4)
    0.0497
    """
    if len(values) < 2:
        return None
    from scipy.stats import t

    spread = float(np.std(np.asarray(values, dtype=np.float64), ddof=1))
    return float(t.ppf(0.975, len(values) - 1)) * spread / math.sqrt(len(values))


def items_interval(accuracy: float, count: int) -> tuple[float, float]:
    """95 % Wilson score interval of an accuracy measured on `count` items (Wilson, JASA 1927).

    >>> low, high = items_interval(0.5, 100)
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    """
    square = _NORMAL_975**2
    centre = (accuracy + square / (2 * count)) / (1 + square / count)
    spread = accuracy * (1 - accuracy) / count + square / (4 * count**2)
    half = _NORMAL_975 * math.sqrt(spread) / (1 + square / count)
    # The bounds enclose the accuracy and stay in [0, 1] but for rounding.
    return max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))
