"""Curves over the steps of a training."""

from collections.abc import Sequence
from dataclasses import dataclass

from randquant.report.charts.dots import colour
from randquant.report.charts.scale import Scale
from randquant.report.markup import Html, element

_WIDTH, _HEIGHT = 320, 150
_LEFT, _BOTTOM, _TOP = 44, 22, 8
MOST = 200  # points of a curve


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes:
        name: whose.
        number: its colour.
        places: (x, y) of its points, by x.
    """

    name: str
    number: int
    places: Sequence[tuple[float, float]]


def thinned(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most 200 of the points, the first and the last among them."""
    if len(places) <= MOST:
        return list(places)
    return [places[round(number * (len(places) - 1) / (MOST - 1))] for number in range(MOST)]


def lines(curves: Sequence[Curve], title: str) -> Html:
    """A chart of curves over one axis, below its title; the last value of each is said under the pointer."""
    across = Scale.over([x for each in curves for x, _ in each.places], length=_WIDTH - _LEFT - 6, ticks=4)
    up = Scale.over([y for each in curves for _, y in each.places], length=_HEIGHT - _BOTTOM - _TOP, ticks=3)
    base = _HEIGHT - _BOTTOM
    parts: list[Html] = []
    for tick in up.ticks():
        y = round(base - up(tick), 2)
        parts.append(element("path", d=f"M{_LEFT} {y}H{_WIDTH}", class_="grid"))
        parts.append(element("text", f"{tick:.6g}", x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for tick in across.ticks():
        parts.append(
            element("text", f"{tick:,.6g}", x=round(_LEFT + across(tick), 2), y=_HEIGHT - 5, text_anchor="middle")
        )
    for each in curves:
        drawn = [f"{round(_LEFT + across(x), 1)} {round(base - up(y), 1)}" for x, y in thinned(each.places)]
        words = f"{each.name}: {each.places[-1][1]:.4g} at step {each.places[-1][0]:,.0f}"
        path = "M" + "L".join(drawn) + ("h.01" if len(drawn) == 1 else "")
        parts.append(element("path", element("title", words), d=path, class_=f"curve {colour(each.number)}"))
    ends = "; ".join(f"{each.name} ends at {each.places[-1][1]:.4g}" for each in curves[:8])
    drawing = element(
        "svg",
        *parts,
        class_="lines",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title} by step: {ends}",
    )
    return element("figure", element("figcaption", title), drawing)
