"""Growth over decades: powers are found, curves widen the interval, and the page gets table and picture."""

from itertools import pairwise
from pathlib import Path

import pytest

from randquant.scripts.measuring.growth import growths
from randquant.scripts.measuring.limits import Limits
from randquant.scripts.measuring.page import write_page
from randquant.scripts.measuring.pair import Line
from randquant.scripts.measuring.stored_run import StoredRun

SIZES = 10, 100, 1_000, 10_000


def lines(exponent: float, fixed: float = 0.0) -> list[Line]:
    """Of a fixed cost and a power of the size, each size but the ends measured twice."""
    found = []
    for size, larger in pairwise(SIZES):
        few, many = (fixed + 1e-6 * each**exponent for each in (size, larger))
        times = {"seconds": few * 1.1, "twin_seconds": many / 1.1, "ratio": many / few}
        found.append(
            Line(group="all", name=f"things: {size:,}", twin=f"{larger:,}", ratio_low=1.0, ratio_high=1.0, **times)
        )
    return found


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_a_power_is_found(exponent: float) -> None:
    (found,) = growths(lines(exponent))
    assert (found.what, tuple(found.sizes)) == ("things", SIZES)
    assert found.low < exponent < found.high
    assert found.exponent == pytest.approx(exponent, abs=0.05)


def test_a_fixed_cost_widens_the_interval() -> None:
    (power,), (curve,) = growths(lines(1.0)), growths(lines(1.0, fixed=1e-3))
    assert curve.high - curve.low > 2 * (power.high - power.low)
    assert curve.exponent < power.exponent


def test_one_decade_or_another_kind_of_twin_gives_none() -> None:
    assert growths(lines(1.0)[:1]) == []
    assert growths([Line(**{**vars(line), "twin": "a loop"}) for line in lines(1.0)]) == []


def test_the_page_gets_exponents_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "BENCHMARKS.md"
    page.write_text("<!-- benchmark all cpu 1 -->\n<!-- end -->\n")
    limits = Limits(processor="any", copy=1.0, float32=1.0, bfloat16=1.0)
    versions = {"torch": "2", "numpy": "2", "python": "3"}
    run = StoredRun(versions=versions, device="cpu", threads=1, runs=3, limits=limits, lines=lines(1.0))
    for _ in range(2):
        assert write_page(page, run) == []
    text, picture = page.read_text(), (tmp_path / "pictures" / "all-cpu-1.svg").read_bytes()
    assert text.count("| things | 10 to 10,000 |") == text.count("](pictures/all-cpu-1.svg)") == 1
    assert picture.startswith(b"<?xml")
    assert len(picture) < 50_000
