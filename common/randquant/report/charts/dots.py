"""Values as dots on a line inside a cell of a table, with their intervals: the table is the chart's text.

The drawing is stretched to the width of its cell; strokes are not, so a dot is the round end of a line without length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from randquant.report.charts.scale import Scale
from randquant.report.markup import Html, element

_HEIGHT, _MIDDLE = 24, 12
COLOURS = 8


@dataclass(frozen=True)
class Dot:
    """One value.

    Attributes:
        value: where.
        number: whose, which is its colour; None for a plain one.
        words: said of it under the pointer.
        interval: around it.
    """

    value: float
    number: int | None
    words: str
    interval: tuple[float, float] | None = None


def colour(number: int | None) -> str:
    """The class of an encoder's colour."""
    return "plain" if number is None else f"c{number % COLOURS}"


def dots(values: Sequence[Dot], scale: Scale, *, reference: float | None = None, words: str = "") -> Html:
    """The drawing of a cell.

    Args:
        values: to draw, the last on top.
        scale: of all cells of the column.
        reference: a value that a thin line marks, such as chance.
        words: what it shows, for those who do not see it; the words of all dots where empty.
    """
    parts = [_upright(scale(tick), "grid") for tick in scale.ticks()]
    if reference is not None and scale.low <= reference <= scale.high:
        parts.append(_upright(scale(reference), "reference"))
    for each in values:
        low, high = each.interval or (each.value, each.value)
        parts += [
            _stroke(f"M{scale(low)} {_MIDDLE}H{scale(high)}", f"span {colour(each.number)}"),
            element(
                "path",
                element("title", each.words),
                d=f"M{scale(each.value)} {_MIDDLE}h.01",
                class_=f"dot {colour(each.number)}",
                vector_effect="non-scaling-stroke",
            ),
        ]
    return element(
        "svg",
        *parts,
        class_="dots",
        viewBox=f"0 0 {scale.length:g} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=words or "; ".join(each.words for each in values),
    )


def ends(scale: Scale, *, percent: bool = True, signed: bool = False) -> Html:
    """The head of such a column: the two ends of its axis."""
    factor = 100.0 if percent else 1.0
    low, high = (f"{factor * end:{'+' if signed else ''}.3g}" for end in (scale.low, scale.high))
    return element("span", element("span", low), element("span", f"{high} %" if percent else high), class_="ends")


def key(number: int | None, name: str) -> Html:
    """An encoder's name with its colour."""
    return element("span", element("span", class_=f"key {colour(number)}", aria_hidden="true"), element("bdi", name))


def _upright(place: float, class_: str) -> Html:
    return _stroke(f"M{place} 0V{_HEIGHT}", class_)


def _stroke(path: str, class_: str) -> Html:
    return element("path", d=path, class_=class_, vector_effect="non-scaling-stroke")
