"""The map as one page of HTML that needs no network: a point shows its name and label under the pointer or by keys."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.files.embedded import embedded_json

LONGEST = 160  # characters of a name that are kept, its last ones
_GRID = 10_000  # places are whole numbers up to it
_TEMPLATE = Path(__file__).with_name("page.html")


def page(
    places: NDArray[np.float64],
    names: Sequence[str],
    labels: Sequence[str | None],
    legend: Sequence[tuple[str | None, str]],
    *,
    title: str,
    about: str,
) -> str:
    """The page.

    Args:
        places: (n, 2).
        names: n.
        labels: n, each one of the legend's.
        legend: each label and its colour.
        title: what is mapped.
        about: a sentence below it.
    """
    data = drawn(places, names, labels, legend)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        about=escape(about),
        data=embedded_json(data),
        script=asset("map.js"),
        style=asset("map.css"),
    )


def drawn(
    places: NDArray[np.float64],
    names: Sequence[str],
    labels: Sequence[str | None],
    legend: Sequence[tuple[str | None, str]],
) -> dict[str, Any]:
    """What `map.js` draws, JSON-ready; the arguments are those of `page`."""
    number = {label: place for place, (label, _) in enumerate(legend)}
    return {
        "places": on_grid(places).tolist(),
        "names": [_shortened(name) for name in names],
        "labels": [number[label] for label in labels],
        "legend": [{"label": label, "colour": colour} for label, colour in legend],
    }


def asset(name: str) -> str:
    """The style or the script of a map."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def on_grid(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places as whole numbers of one scale, y pointing down as on a screen."""
    low, reach = places.min(axis=0), float(np.ptp(places, axis=0).max()) or 1.0
    spread = (places - low - np.ptp(places, axis=0) / 2) / reach + 0.5
    return np.rint(_GRID * np.stack([spread[:, 0], 1.0 - spread[:, 1]], axis=1)).astype(np.int64)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
