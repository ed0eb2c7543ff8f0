"""The page as a person meets it: in Chromium, by keyboard, light and dark, wide and narrow, on paper."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from randquant.report.report import Asked, report
from tests.randquant.report.chromium import BROWSER, Page, browser
from tests.randquant.report.probed import folder, training

HOSTILE = "</script><script>document.title='taken'</script> \u2028 \" ' <img src=x>.wav"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Path]]:
    root = tmp_path_factory.mktemp("report")
    one = folder(root / "one", share=0.6, classes=["ant", HOSTILE])
    two = folder(root / HOSTILE.replace("/", "_"), share=0.8, draw=1, classes=["ant", HOSTILE])
    run = training(root / "run", seed=1)
    html = report(Asked([str(one), str(two), str(run)], projection="pca")).html
    (root / "page.html").write_text(html, encoding="utf-8")
    with browser(root / "profile") as opened:
        yield opened, root / "page.html"


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_it_opens_without_complaint_or_network(page: tuple[Page, Path], width: int, dark: bool) -> None:
    shown, path = page
    shown.open(path, width=width, dark=dark)
    assert shown.complaints() == []
    assert shown.requests() == []
    assert shown.value("document.title") != "taken"
    assert shown.value("document.documentElement.scrollWidth") <= width
    ground = shown.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, json.loads(ground.replace("rgb(", "[").replace(")", "]")))) < 384) is dark


def test_it_is_walked_by_keyboard(page: tuple[Page, Path]) -> None:
    shown, path = page
    shown.open(path)
    shown.press("Tab")
    assert shown.value("document.activeElement.className") == "skip"
    for _ in range(40):
        shown.press("Tab")
        if shown.value("document.activeElement.tagName") == "SUMMARY":
            break
    shown.press("Enter")
    assert shown.value("document.activeElement.parentElement.open")
    assert shown.complaints() == []
