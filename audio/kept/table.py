"""What views keep, as tables and as a picture."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from randquant.audio.kept.detail import Detail
from randquant.audio.kept.measured import Kept
from randquant.figures.figure import new_figure
from randquant.results.text_table import text_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Found = Mapping[str, Sequence[Kept]]  # by store; the first of each is the crop itself
_MOST_LOST = 3


def lines(rows: Sequence[Kept]) -> list[str]:
    """A table for a terminal, and the classes that lose most."""
    header = ["view", *Detail._fields, "found", "bits", "classes"]
    cells = [
        [
            each.view,
            *("-" if math.isnan(value) else f"{value:.2f}" for value in each.detail),
            f"{each.shared.found:.1%}",
            f"{each.shared.bits:.2f}",
            "" if each.recalls is None else f"{each.recalls.accuracy:.1%}",
        ]
        for each in rows
    ]
    losses = [f"{each.view}: {_most_lost(rows[0], each)}" for each in rows[1:] if each.recalls is not None]
    return [*text_table(header, cells), *(["", "most lost, in points of recall", *losses] if losses else [])]


def csv_rows(found: Found) -> Iterator[tuple[object, ...]]:
    """Every number in a row of its own, the header first."""
    yield "store", "view", "measure", "value"
    for store, rows in found.items():
        for each in rows:
            numbers = each.detail._asdict() | each.shared._asdict()
            if each.recalls is not None:
                numbers["accuracy"] = each.recalls.accuracy
                numbers |= {f"recall of {name}": value for name, value in each.recalls.by_class.items()}
            for name, value in numbers.items():
                yield store, each.view, name, None if math.isnan(value) else round(value, 4)


def picture(found: Found) -> "Figure":
    """For each store the detail kept, what two views share, and what each class loses.

    Raises:
        UsageError: matplotlib is missing.
    """
    most = max(len(rows) for rows in found.values())
    figure = new_figure(13.0, len(found) * (1.3 + 0.24 * most))
    panels = figure.subplots(len(found), 3, squeeze=False, width_ratios=[7, 2, 10])
    for (store, rows), (left, middle, right) in zip(found.items(), panels, strict=True):
        _map(left, np.array([each.detail for each in rows]), Detail._fields, (0.0, 1.0), "viridis", "{:.2f}")
        left.set_yticks(range(len(rows)), [each.view for each in rows], fontsize=7)
        left.set_title(f"{store}: correlation with the crop", fontsize=8)
        shares = np.array([[each.shared.found] for each in rows])
        _map(middle, shares, ["found"], (0.0, 1.0), "viridis", "{:.0%}")
        middle.set_title("told from others", fontsize=8)
        _losses(right, rows)
    figure.tight_layout()
    return figure


def _losses(panel: Any, rows: Sequence[Kept]) -> None:
    first = rows[0].recalls
    if first is None:
        panel.set_axis_off()
        return
    names = list(first.by_class)
    values = np.array([[100.0 * change for change in _changes(rows[0], each).values()] for each in rows])
    _map(panel, values, names, (-40.0, 40.0), "RdBu", "{:+.0f}")
    panel.set_title("change of a class's recall, points", fontsize=8)


def _map(panel: Any, values: Any, columns: Sequence[str], limits: tuple[float, float], colours: str, form: str) -> None:
    """Numbers in colours, and written."""
    panel.imshow(values, aspect="auto", vmin=limits[0], vmax=limits[1], cmap=colours)
    panel.set_xticks(range(len(columns)), columns, fontsize=6, rotation=30, ha="right")
    panel.set_yticks([])
    for (row, column), value in np.ndenumerate(values):
        box = {"facecolor": "white", "alpha": 0.6, "linewidth": 0, "pad": 0.6}
        panel.text(column, row, form.format(value), fontsize=6, ha="center", va="center", bbox=box)


def _changes(crop: Kept, view: Kept) -> dict[str, float]:
    """Of each class's recall, against that of crops as they are."""
    assert crop.recalls is not None
    assert view.recalls is not None
    return {name: view.recalls.by_class[name] - value for name, value in crop.recalls.by_class.items()}


def _most_lost(crop: Kept, view: Kept) -> str:
    changes = sorted(_changes(crop, view).items(), key=lambda each: each[1])[:_MOST_LOST]
    return ", ".join(f"{name} {100 * change:+.0f}" for name, change in changes)
