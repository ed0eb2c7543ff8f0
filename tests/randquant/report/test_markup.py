"""Text of strangers never becomes markup."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from randquant.files.embedded import embedded_json
from randquant.report.markup import element, joined, table
from randquant.report.page import joined_assets, page
from randquant.report.section import Section

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"' & \u2028 \u202e 日本 \ud800 \x00 --> ]]>"


class Seen(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_text_stays_text() -> None:
    seen = Seen(element("p", HOSTILE, title=HOSTILE))
    assert seen.tags == ["p"]
    assert [name for name, _ in seen.attributes] == ["title"]
    assert "<script>alert(1)</script>" in seen.text
    assert "\\u202e" in seen.text  # spelt out: it would turn the line around
    assert Seen(table([HOSTILE], [[HOSTILE, 1]], caption=HOSTILE)).tags.count("script") == 0


def test_json_ends_no_script() -> None:
    written = embedded_json({"name": HOSTILE})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["name"].startswith("</script>")


def test_a_page_loads_nothing_and_says_so() -> None:
    section = Section("a", HOSTILE, joined([element("p", HOSTILE)]))
    html = page(HOSTILE, HOSTILE, [section], [HOSTILE], data={"names": [HOSTILE]})
    seen = Seen(html)
    assert seen.tags.count("script") == 2
    assert seen.tags.count("style") == 1
    assert "img" not in seen.tags
    (policy,) = [value for name, value in seen.attributes if name == "content" and value and "default-src" in value]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in html
    assert "https:" not in html
    html.encode()


def test_an_asset_that_could_end_its_element_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.js").write_text("// </script>")
    with pytest.raises(ValueError, match=r"bad\.js"):
        joined_assets(tmp_path / "bad.js")
