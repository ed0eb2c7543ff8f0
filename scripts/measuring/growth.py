"""Growth over decades: lines whose twin is the same at a larger size, the exponent fitted to them, and a picture."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from randquant.figures.figure import new_figure, write_figure
from randquant.scripts.measuring.pair import Line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADER = ("what", "sizes", "exponent", "95 %")
_SIZED = re.compile(r"(?P<what>.*): (?P<size>[\d,]+)(?: [a-z]+)?")
_CONFIDENCE = 0.975  # two-sided 95 %
_COLUMNS, _WIDTH, _HEIGHT = 3, 2.4, 2.0  # panels a row, inches of a panel


@dataclass(frozen=True)
class Growth:
    """Costs at rising sizes, and the straight line through their logarithms.

    Attributes:
        what: grows.
        sizes: at least three.
        costs: at each size; where a size was measured in two lines, the geometric mean.
        exponent: of the power of the size that fits best: 0 is none, 1 linear, 2 the square.
        low, high: its 95 % interval, of Student's t; a curve that is no power, as where a fixed cost rules at small
            sizes, widens it.
    """

    what: str
    sizes: Sequence[int]
    costs: Sequence[float]
    exponent: float
    low: float
    high: float


def growths(lines: Sequence[Line]) -> list[Growth]:
    """Of all lines `WHAT: SIZE` with the twin `SIZE`, where they give at least three sizes."""
    found: dict[str, dict[int, list[float]]] = {}
    for line in lines:
        if (named := _SIZED.fullmatch(line.name)) and re.fullmatch(r"[\d,]+", line.twin):
            costs = found.setdefault(named["what"], {})
            costs.setdefault(_number(named["size"]), []).append(math.log(line.seconds))
            costs.setdefault(_number(line.twin), []).append(math.log(line.twin_seconds))
    return [
        _fitted(what, [*costs], [float(np.mean(each)) for each in costs.values()])
        for what, costs in found.items()
        if len(costs) > 2
    ]


def cells(growth: Growth) -> list[str]:
    """A row under `HEADER`."""
    sizes = f"{growth.sizes[0]:,} to {growth.sizes[-1]:,}"
    return [growth.what, sizes, f"{growth.exponent:.2f}", f"{growth.low:.2f} to {growth.high:.2f}"]


def draw(found: Sequence[Growth], out: Path) -> None:
    """Write a picture of costs against sizes, both in logarithms, with the fitted lines.

    Raises:
        UsageError: matplotlib is missing.
    """
    figure = _figure(found)  # first, since it says where matplotlib is missing
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):  # letters as letters, a third of the bytes
        write_figure(figure, out)


def _figure(found: Sequence[Growth]) -> "Figure":
    rows = math.ceil(len(found) / _COLUMNS)
    figure = new_figure(_COLUMNS * _WIDTH, rows * _HEIGHT)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    for panel, growth in zip(panels, found, strict=False):
        sizes, logs = np.array(growth.sizes), np.log(growth.costs)
        middle = logs.mean() + growth.exponent * (np.log(sizes) - np.log(sizes).mean())
        panel.loglog(sizes, np.exp(middle) * 1e3, color="0.6", linewidth=1)
        panel.loglog(sizes, np.exp(logs) * 1e3, "o", color="C0", markersize=3)
        panel.set_title(f"{growth.what}: {growth.exponent:.2f}", fontsize=7)
        panel.minorticks_off()
        panel.tick_params(labelsize=6)
        panel.set_ylabel("ms", fontsize=6)
    figure.tight_layout()
    return figure


def _fitted(what: str, sizes: Sequence[int], logs: Sequence[float]) -> Growth:
    from scipy.stats import linregress, t  # late: half a second

    fit = linregress(np.log(sizes), logs)
    around = float(t.ppf(_CONFIDENCE, len(sizes) - 2)) * fit.stderr
    return Growth(what, sizes, [*map(math.exp, logs)], fit.slope, fit.slope - around, fit.slope + around)


def _number(text: str) -> int:
    return int(text.replace(",", ""))
