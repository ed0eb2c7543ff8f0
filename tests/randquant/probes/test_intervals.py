"""Both intervals against their definitions."""

import math

import pytest
from scipy import stats

from randquant.probes.outcome import items_interval, repeats_half_width


def test_half_width_equals_scipy() -> None:
    values = [0.61, 0.64, 0.66, 0.6, 0.7]
    low, high = stats.t.interval(0.95, 4, loc=stats.tmean(values), scale=stats.sem(values))
    assert repeats_half_width(values) == pytest.approx((high - low) / 2)
    assert repeats_half_width([0.5]) is None


@pytest.mark.parametrize(("accuracy", "count"), [(0.0, 20), (0.3, 50), (0.999, 4000), (1.0, 80)])
def test_wilson_bounds_solve_the_score_equation(accuracy: float, count: int) -> None:
    low, high = items_interval(accuracy, count)
    assert 0 <= low <= accuracy <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            z = abs(accuracy - bound) / math.sqrt(bound * (1 - bound) / count)
            assert z == pytest.approx(1.959964, rel=1e-5)
