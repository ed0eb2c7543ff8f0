"""Every relative link of every page leads somewhere, and every anchor to a heading."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tests.pages.blocks import FENCED, ROOT, pages

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its blocks and its inline code."""
    return re.sub(r"`[^`\n]+`", "code", FENCED.sub("", page.read_text(encoding="utf-8")))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and our site make them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in HEADING.findall(text))
    return frozenset(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain)


def broken(page: Path, root: Path = ROOT) -> Iterator[str]:
    """The links of a page, which is given from the root, that lead nowhere."""
    for target in LINK.findall(prose(root / page)):
        place, _, anchor = unquote(target).partition("#")
        if "://" in place or place.startswith("mailto:"):
            continue
        file = (root / page.parent / place).resolve() if place else root / page
        if not file.exists() or not file.is_relative_to(root):
            yield f"{page}: {target} does not exist"
        elif anchor and anchor not in anchors(file):
            yield f"{page}: {target} is no heading"


def test_links_lead_somewhere() -> None:
    assert [line for page in pages() for line in broken(page)] == []


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(
        "# A, `b` & c\n\n[1](#a-b--c) [2](page.md#a--b) [3](gone.md) `[4](no.md)` [5](..)\n"
    )
    told = [line.split()[1] for line in broken(Path("page.md"), tmp_path.resolve())]
    assert told == ["page.md#a--b", "gone.md", ".."]
