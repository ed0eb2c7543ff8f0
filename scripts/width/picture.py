"""The pictures of a study of widths: coordinates over width, and loss over steps."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from randquant.figures.figure import new_figure
from randquant.scripts.width.coordinates import Coordinate
from randquant.scripts.width.loss_curves import Loss
from randquant.scripts.width.movement import Quantity, means, parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES: dict[Quantity, str] = {"mean": "mean |x|", "change": "mean |change|"}
_STYLES = {"hidden": "-", "output": "--", "behind": ":"}
_INCHES = 2.2  # a panel


def coordinate_picture(rows: Sequence[Coordinate]) -> "Figure":
    """A panel a step; size and change of each module over the width, in either parametrization; flat is right."""
    names = list(dict.fromkeys(row.parametrization for row in rows))
    widths, steps = sorted({row.width for row in rows}), sorted({row.step for row in rows})
    shown = {module: part for module, part in parts(rows).items() if part != "fixed"}
    lines: list[tuple[Quantity, Any]] = [(quantity, name) for quantity in TITLES for name in names]
    figure = new_figure(_INCHES * len(steps) + 2.4, _INCHES * len(lines))
    panels = figure.subplots(len(lines), len(steps), squeeze=False, sharex=True)
    for row, (quantity, name) in enumerate(lines):
        value = means(rows, quantity)
        for column, step in enumerate(steps):
            panel = panels[row, column]
            for number, (module, part) in enumerate(shown.items()):
                heights = [value[name, module, step, width] or float("nan") for width in widths]
                panel.loglog(widths, heights, _STYLES[part], color=_colour(number), label=module, marker=".", lw=1.2)
            panel.set_title(f"{name}, step {step}", fontsize=8)
            panel.tick_params(labelsize=6, which="both")
            panel.set_xticks(widths, [str(width) for width in widths])
            panel.minorticks_off()
            panel.set_visible(step > 0 or quantity == "mean")
        panels[row, 0].set_ylabel(TITLES[quantity], fontsize=8)
    for row in range(0, len(lines), len(names)):
        _share_heights(panels[row : row + len(names)].ravel())
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="center right", fontsize=6)
    figure.subplots_adjust(
        left=0.08, right=1 - 1.8 / figure.get_figwidth(), bottom=0.05, top=0.96, wspace=0.3, hspace=0.25
    )
    return figure


def loss_picture(rows: Sequence[Loss]) -> "Figure":
    """A panel a parametrization: mean loss over seeds at each logged step, a line a width, the widest darkest."""
    names = list(dict.fromkeys(row.parametrization for row in rows))
    widths = sorted({row.width for row in rows})
    curves: dict[Any, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        curves[row.parametrization, row.width][row.step].append(row.loss)
    figure = new_figure(4.2 * len(names), 3.4)
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for panel, name in zip(panels, names, strict=True):
        for number, width in enumerate(widths):
            steps = curves[name, width]
            shade = str(0.8 - 0.8 * number / max(len(widths) - 1, 1))
            panel.plot(list(steps), [fmean(each) for each in steps.values()], color=shade, label=f"{width:,}")
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("step", fontsize=8)
        panel.tick_params(labelsize=7)
    panels[0].set_ylabel("training loss", fontsize=8)
    panels[-1].legend(title="width", fontsize=7, title_fontsize=7)
    figure.tight_layout()
    return figure


def _colour(number: int) -> str:
    return f"C{number % 10}"


def _share_heights(panels: Any) -> None:
    lows, highs = zip(*(panel.get_ylim() for panel in panels), strict=True)
    for panel in panels:
        panel.set_ylim(min(lows), max(highs))
