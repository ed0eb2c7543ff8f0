"""Differences of arms as a picture: a panel a task, a row a question, a dot and its interval a pair."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from randquant.figures.figure import panels, write_figure
from randquant.results.arms.rows import CLEAN, ArmRow, Pair

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by people who are colour-blind (Okabe and Ito)
_APART = 0.28  # of a row
_NAMES, _WIDTH = 0.85, 1.5  # inches, of a panel's names of rows and of itself


def draw(rows: Sequence[ArmRow], pairs: Sequence[Pair], out: Path) -> None:
    """Write the picture: dots are means over seeds, thick lines 95 % over items, thin ones over seeds.

    Args:
        rows: in the order in which they stand in their panel, from the top.
        pairs: of arms.
        out: the file, PNG, PDF or SVG.

    Raises:
        UsageError: matplotlib is missing.
    """
    tasks = list(dict.fromkeys((row.group, row.task) for row in rows))
    by_task = [[row for row in rows if (row.group, row.task) == task] for task in tasks]
    titles = [f"{group}: {task}" if group else task for group, task in tasks]
    figure, drawn = panels([""], titles, width=_NAMES + _WIDTH, height=0.4 + 0.2 * max(map(len, by_task)))
    for panel, held in zip(drawn[0], by_task, strict=True):
        _panel(panel, held, len(pairs))
    left, below = _NAMES / figure.get_figwidth(), 0.55 / figure.get_figheight()
    figure.subplots_adjust(left=left, right=0.99, bottom=below, top=0.92, wspace=_NAMES / _WIDTH)
    handles = [
        drawn[0][0].plot([], [], "o-", color=colour, markersize=3, label=f"{pair}, points of accuracy")[0]
        for colour, pair in zip(_COLOURS, pairs, strict=False)
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(pairs), fontsize=7, frameon=False)
    write_figure(figure, out, dots=130)


def _panel(panel: Any, rows: Sequence[ArmRow], pairs: int) -> None:
    for place, row in enumerate(rows):
        for number, (change, colour) in enumerate(zip(row.differences, _COLOURS, strict=False)):
            y = place + _APART * (number - (pairs - 1) / 2)
            middle, (low, high) = 100 * change.difference, change.paired.interval
            if change.by_seeds is not None:
                panel.plot([middle - 100 * change.by_seeds, middle + 100 * change.by_seeds], [y, y], lw=0.6, c=colour)
            panel.plot([100 * low, 100 * high], [y, y], lw=1.8, c=colour, solid_capstyle="butt")
            panel.plot([middle], [y], "o", ms=2.6, c=colour)
    panel.axvline(0.0, lw=0.6, c="black")
    panel.set_yticks(range(len(rows)), [_asked(row, rows[0].probe) for row in rows], fontsize=6)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    bounds = [100 * bound for row in rows for change in row.differences for bound in change.paired.interval]
    panel.set_xlim(min(-2.0, *bounds) - 1.0, max(2.0, *bounds) + 1.0)  # thin lines may leave the panel
    panel.tick_params(axis="x", labelsize=6, length=2)
    panel.tick_params(axis="y", length=0)


def _asked(row: ArmRow, first: str) -> str:
    change = row.change.replace("_", " ")
    return change if row.probe == first else row.probe if row.change == CLEAN else f"{row.probe}, {change}"
