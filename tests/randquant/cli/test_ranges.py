"""Settings out of range are named with what they take."""

from types import SimpleNamespace

import pytest

from randquant.cli.ranges import SEEDS, Range, check_ranges


@pytest.mark.parametrize("value", [0, -1, 11, float("nan"), float("inf"), 10**40])
def test_out_of_range(value: float) -> None:
    with pytest.raises(ValueError, match="--size should be from 1 to 10, got"):
        check_ranges(SimpleNamespace(size=value), {"size": Range(1, 10)})


def test_in_range_and_each_of_several() -> None:
    ranges = {"size": Range(1, 10), "rate": Range(0, 1, above=True)}
    check_ranges(SimpleNamespace(size=[1, 10], rate=1.0), ranges)
    with pytest.raises(ValueError, match="--rate should be above 0 and up to 1, got 0"):
        check_ranges(SimpleNamespace(size=1, rate=0), ranges)
    with pytest.raises(ValueError, match=r"--size .* got 3 11"):
        check_ranges(SimpleNamespace(size=(3, 11), rate=1), ranges)


def test_seeds() -> None:
    assert SEEDS.holds(2**63 - 1)
    assert not SEEDS.holds(2**63)
