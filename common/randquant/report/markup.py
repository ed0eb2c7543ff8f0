"""HTML and SVG built of elements: text is escaped wherever it comes from, so that no label can become markup."""

from collections.abc import Iterable, Sequence
from html import escape

from randquant.cli.terminal import printable

_EMPTY = frozenset({"br", "img", "meta", "link", "hr", "line", "circle", "rect", "path", "polyline"})


class Html(str):
    """Markup that is whole: what is in it was escaped already."""

    __slots__ = ()


Child = str | int | float | None


def element(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """One element.

    Args:
        name: of the element.
        children: `Html` stays as it is, any other text is escaped, None is left out.
        attributes: by name, with `_` for `-`, and `class_` for class; None and False are left out, True is bare.

    >>> element("td", "<b>", class_="n", title='"')
    '<td class="n" title="&quot;">&lt;b&gt;</td>'
    """
    written = "".join(_attribute(each, value) for each, value in attributes.items())
    inside = joined(children)
    if name in _EMPTY and not inside:
        return Html(f"<{name}{written}>" if name in ("br", "img", "meta", "link", "hr") else f"<{name}{written}/>")
    return Html(f"<{name}{written}>{inside}</{name}>")


def joined(children: Iterable[Child]) -> Html:
    """Children side by side."""
    return Html("".join(each if isinstance(each, Html) else text(str(each)) for each in children if each is not None))


def text(value: str) -> Html:
    r"""Text as it is shown: escaped, and what steers a terminal or the direction of writing spelt out.

    >>> text("a<b\u202e\n")
    'a&lt;b\\u202e\\n'
    """
    return Html(escape(printable(value)))


def note(*children: Child) -> Html:
    """A paragraph that says how to read what is above it, or what is missing."""
    return element("p", *children, class_="note")


def heading(name: str, told: str = "") -> Html:
    """The heading of a task, with a few soft words."""
    return element("h3", element("bdi", name), element("span", f"  {told}", class_="soft") if told else None)


def table(
    header: Sequence[Child], rows: Sequence[Sequence[Child]], *, caption: Child = None, class_: str | None = None
) -> Html:
    """A table whose first column names the rows; wide ones scroll sideways by themselves."""
    titles = element("tr", *(element("th", each, scope="col", class_=_drawn(each)) for each in header))
    lines = [element("tr", element("th", first, scope="row"), *map(_cell, rest, header[1:])) for first, *rest in rows]
    whole = element(
        "table",
        None if caption is None else element("caption", caption),
        element("thead", titles),
        element("tbody", *lines),
        class_=class_,
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label="table")


def _cell(value: Child, title: Child) -> Html:
    """A cell; on a narrow screen its title stands before it."""
    label = None if isinstance(title, Html) else title
    return element("td", value, data_label=label, class_=_drawn(value) or ("n" if is_number(value) else None))


def _drawn(value: Child) -> str | None:
    """The class of a cell that holds a chart, or the ends of its axis."""
    return "drawn" if isinstance(value, Html) and ('class="dots"' in value or 'class="ends"' in value) else None


def is_number(value: Child) -> bool:
    """Whether a cell is set to the right: it begins with a digit or a sign, or stands for a number."""
    shown = str(value).strip()
    return shown == "-" or shown[:1].isdigit() or (shown[:1] in "+-<\u2212" and shown[1:].lstrip()[:1].isdigit())


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = {"class_": "class", "for_": "for"}.get(name, name)
    name = name if name in _CAMEL else name.replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'


_CAMEL = frozenset({"viewBox", "preserveAspectRatio"})
