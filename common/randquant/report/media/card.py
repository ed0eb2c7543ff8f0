"""An item on a page: what there is to hear or see of it, above a few lines of text."""

from base64 import b64encode

from randquant.report.markup import Child, Html, element
from randquant.report.media.excerpt import Excerpt, Row, Shape, Sound, Thumbnail, data_url

_BAR, _TALL = 4, 40


def card(name: str, label: str, excerpt: Excerpt | None, *lines: Child, class_: str = "card") -> Html:
    """The card of an item.

    Args:
        name: of the item.
        label: its class, for those who do not see it.
        excerpt: to show; None where there is nothing.
        lines: below it.
    """
    words = f"{name}, of class {label}"
    shown = [element("p", each) for each in lines if each is not None]
    title = element("p", element("bdi", _end(name)), class_="name", title=name)
    return element("figure", _media(excerpt, words), element("figcaption", *shown, title), class_=class_)


def _media(excerpt: Excerpt | None, words: str) -> Html:
    match excerpt:
        case Sound():
            return _sound(excerpt, words)
        case Shape():
            points = b64encode(excerpt.points.tobytes()).decode()
            told = f"{words}: {len(excerpt.points):,} points in space; drag it or use the arrow keys to turn it"
            return element("canvas", class_="cloud", data_points=points, tabindex="0", role="img", aria_label=told)
        case Thumbnail():
            told = f"{words}: picture of {excerpt.width} x {excerpt.height} pixels"
            return element("img", src=data_url(excerpt.mime, excerpt.data), alt=told)
        case Row():
            rows = [
                element("tr", element("th", name, scope="row"), element("td", value)) for name, value in excerpt.cells
            ]
            told = f"{words}: {len(excerpt.cells)} of {excerpt.columns} columns"
            return element("table", element("tbody", *rows), class_="cells", aria_label=told)
    return element("div", "not shown", class_="absent")


def _sound(sound: Sound, words: str) -> Html:
    heard = (
        f"{sound.heard:.1f} s" if sound.heard >= sound.seconds - 0.05 else f"{sound.heard:.0f} of {sound.seconds:.1f} s"
    )
    bars = "".join(
        f"M{_BAR * place + 2} {_TALL / 2 - height}v{2 * height:.1f}"
        for place, height in enumerate(max(0.5, each * (_TALL / 2 - 1)) for each in sound.outline)
    )
    width = _BAR * len(sound.outline)
    path = element("path", d=bars)
    outline = element("svg", path, viewBox=f"0 0 {width} {_TALL}", preserveAspectRatio="none", aria_hidden="true")
    player = element("audio", controls=True, preload="none", src=data_url(sound.mime, sound.data), aria_label=words)
    return element("div", outline, player, element("span", heard, class_="heard"), class_="sound")


def _end(name: str) -> str:
    """The last part of a long name."""
    return name if len(name) <= 32 else f"\N{HORIZONTAL ELLIPSIS}{name[-31:]}"
