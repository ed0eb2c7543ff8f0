"""The report as typed."""

from pathlib import Path

import pytest

from randquant.cli.command import run
from randquant.scripts.report import arguments, write_report
from tests.randquant.report.probed import folder, training


def reported(*words: object) -> int:
    return run(write_report, arguments([str(word) for word in words]))


def test_it_writes_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = folder(tmp_path / "one", share=0.6), folder(tmp_path / "two", share=0.8, draw=1)
    alone = training(tmp_path / "alone", seed=1, method="byol")
    assert reported(one, two, alone, "--out", tmp_path / "page.html") == 0
    assert "page.html: 2 encoders, 1 task, 1 run without results" in capsys.readouterr().out
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>cat" not in html
    assert "byol" in html
    first = (tmp_path / "page.html").read_bytes()
    assert reported(one, two, alone, "--out", tmp_path / "page.html") == 0
    assert (tmp_path / "page.html").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["absent"], 1, "absent does not exist"),
        (["."], 1, "neither a results folder"),
        (["one", "one"], 2, "named twice"),
        (["one", "--out", "page.pdf"], 2, "should end in .html"),
        (["one", "--out", "."], 2, "is a folder"),
        (["one", "--probe", "svm"], 1, "no results of the probe svm"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    words: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "one", share=0.6)
    assert reported(*words) == code
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("*.html"))
