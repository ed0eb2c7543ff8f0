"""The page as a person meets it: in Chromium, by keyboard, light and dark, wide and narrow, on paper."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from randquant.audio.excerpt import compressed, outline
from randquant.maps.page import drawn
from randquant.report.markup import element, joined
from randquant.report.media.card import card
from randquant.report.media.excerpt import Shape, Sound
from randquant.report.page import page as whole_page
from randquant.report.report import Asked, report
from randquant.report.section import Section
from tests.randquant.report.chromium import BROWSER, Page, browser
from tests.randquant.report.probed import folder, training

HOSTILE = "</script><script>document.title='taken'</script> \u2028 \" ' <img src=x>.wav"

pytestmark = [pytest.mark.long, pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")]


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


def with_examples() -> str:
    """A page of two sounds, a shape and a map."""
    generator = np.random.default_rng(0)
    samples = generator.integers(-9_000, 9_000, 16_000).astype(np.int16)
    sounds = [Sound(item, *compressed(samples), 1.0, 1.0, outline(samples)) for item in range(2)]
    shape = Shape(2, generator.integers(0, 256, (300, 3)).astype(np.uint8), 300)
    cards = [card(HOSTILE, HOSTILE, excerpt) for excerpt in (*sounds, shape)]
    stage = element("div", element("canvas", tabindex="0"), element("div", class_="tip"), class_="stage")
    lie = element("div", stage, element("ul", class_="legend"), class_="map")
    data = drawn(generator.normal(size=(9, 2)), [HOSTILE] * 9, [HOSTILE] * 9, [(HOSTILE, "#0072b2")])
    return whole_page("Examples", "", [Section("all", "All", joined([*cards, lie]))], [], data={"maps": [data]})


def test_sounds_play_one_at_a_time_and_shapes_turn(page: tuple[Page, Path], tmp_path: Path) -> None:
    shown, _ = page
    (tmp_path / "examples.html").write_text(with_examples(), encoding="utf-8")
    shown.open(tmp_path / "examples.html")
    for number in (0, 1):
        shown.value(f"document.querySelectorAll('.sound button')[{number}].click()")
    shown.value("new Promise(done => setTimeout(done, 200))")
    assert shown.value("[...document.querySelectorAll('audio')].map(each => each.paused)") == [True, False]
    shown.value("document.querySelector('.cloud').focus()")
    before = shown.value("document.querySelector('.cloud').toDataURL()")
    assert len(set(before)) > 10
    shown.press("ArrowRight")
    assert shown.value("document.querySelector('.cloud').toDataURL()") != before
    shown.value("document.querySelector('.map canvas').focus()")
    shown.press("ArrowRight")
    assert "alert" not in shown.value("document.title")
    assert "document.title" in shown.value("document.querySelector('.tip').textContent")
    assert shown.complaints() == []
    assert shown.requests() == []
