"""The map as one page of HTML that needs no network: a point shows its name and label under the pointer or by keys."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    number = {label: place for place, (label, _) in enumerate(legend)}
    data = {
        "places": on_grid(places).tolist(),
        "names": [_shortened(name) for name in names],
        "labels": [number[label] for label in labels],
        "legend": [{"label": label, "colour": colour} for label, colour in legend],
    }
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title), about=escape(about), data=_embedded(data)
    )


def on_grid(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places as whole numbers of one scale, y pointing down as on a screen."""
    low, reach = places.min(axis=0), float(np.ptp(places, axis=0).max()) or 1.0
    spread = (places - low - np.ptp(places, axis=0) / 2) / reach + 0.5
    return np.rint(_GRID * np.stack([spread[:, 0], 1.0 - spread[:, 1]], axis=1)).astype(np.int64)


def _embedded(data: Any) -> str:
    """JSON that ends no script, whatever the names are."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode()


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
