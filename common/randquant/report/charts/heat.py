"""A square table of shares as a picture: what was taken for what."""

from collections.abc import Mapping, Sequence

from randquant.report.markup import Html, element

_SHORT = 16  # characters of a label
_FEW, _LARGE, _SMALL = 12, 28, 20  # classes with large cells, in pixels


def heat(classes: Sequence[str], shares: Mapping[tuple[str, str], float], words: str) -> Html:
    """The picture: a row a label, a column a prediction; right answers in another colour than wrong ones.

    Args:
        classes: in order.
        shares: of (label, prediction), in [0, 1]; absent means 0.
        words: what it shows.
    """
    margin = 7 * max(min(len(name), _SHORT) for name in classes) + 16
    cell = _LARGE if len(classes) <= _FEW else _SMALL
    side = margin + cell * len(classes)
    parts: list[Html] = []
    for row, label in enumerate(classes):
        middle = margin + cell * row + cell // 2
        parts.append(element("text", _short(label), x=margin - 6, y=middle + 4, text_anchor="end"))
        parts.append(element("text", _short(label), transform=f"translate({middle + 4} {margin - 6}) rotate(-90)"))
        for column, predicted in enumerate(classes):
            share = shares.get((label, predicted), 0.0)
            told = f"{label} taken for {predicted}: {100 * share:.1f} %" if row != column else ""
            parts.append(
                element(
                    "rect",
                    element("title", told or f"{label} recognised: {100 * share:.1f} %"),
                    x=margin + cell * column,
                    y=margin + cell * row,
                    width=cell - 1,
                    height=cell - 1,
                    class_="right" if row == column else "wrong",
                    fill_opacity=round(min(1.0, 0.06 + 0.94 * share), 3) if share else 0.04,
                )
            )
    return element("svg", *parts, class_="heat", viewBox=f"0 0 {side} {side}", width=side, role="img", aria_label=words)


def _short(name: str) -> str:
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}\N{HORIZONTAL ELLIPSIS}"
