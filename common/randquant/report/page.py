"""The page: one file of HTML that loads nothing, and whose policy forbids it to."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from randquant import maps
from randquant.files.embedded import embedded_json
from randquant.report.markup import Html, element
from randquant.report.section import Section

ASSETS, MAPS = Path(__file__).with_name("assets"), Path(maps.__file__).parent


def page(title: str, lead: str, sections: Sequence[Section], footer: Sequence[str], *, data: object = None) -> str:
    """The whole page.

    Args:
        title: what it is about.
        lead: a sentence below it.
        sections: in their order.
        footer: sentences at the end.
        data: JSON-ready, for the page's script.
    """
    style = joined_assets(ASSETS / "page.css", MAPS / "map.css")
    script = joined_assets(MAPS / "map.js", ASSETS / "clouds.js", ASSETS / "page.js")
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">'),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Html(f"<style>{style}</style>"),
    ]
    contents = element("nav", element("ul", *(each.link() for each in sections)), aria_label="Contents")
    body = [
        element("a", "To the results", href="#results", class_="skip"),
        element("header", element("h1", title), element("p", lead, class_="lead"), contents),
        element("main", *(each.html() for each in sections), id="results"),
        element("footer", *(element("p", each) for each in footer)),
        Html(f'<script id="data" type="application/json">{embedded_json(data)}</script>'),
        Html(f"<script>{script}</script>"),
    ]
    return "<!doctype html>\n" + element("html", element("head", *head), element("body", *body), lang="en") + "\n"


def policy(style: str, script: str) -> str:
    """A Content Security Policy under which this style and this script alone are taken, and nothing is loaded."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )


def joined_assets(*files: Path) -> str:
    """Files of the page, one after the other.

    Raises:
        ValueError: one could end the element that it stands in.
    """
    held = "\n".join(file.read_text(encoding="utf-8") for file in files)
    if "</" in held:
        raise ValueError(f"{', '.join(file.name for file in files)} may not hold </")
    return held


def _digest(value: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(value.encode()).digest()).decode()}"
