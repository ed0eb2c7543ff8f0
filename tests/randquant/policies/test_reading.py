"""Views as they are written: what each form means, and what each mistake is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from randquant.policies.reading import Vocabulary, read_views
from randquant.policies.view_policy import RandomOperations, Step, ViewPolicy


@dataclass
class Settings:
    bins: list[int]
    crop: tuple[float, float]
    kind: Literal["a", "b"] = "a"
    size: int | Literal["any"] = 4


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    (tmp_path / "hand.yaml").write_text("# made by hand\naugment: crop+rq\nbins: 4\n")
    own, operations = ["bins", "crop", "kind"], ["gain", "rq"]
    return Vocabulary(Settings, own, ["size"], ["crop", "rq"], operations, tmp_path)


def test_every_form(vocabulary: Vocabulary, tmp_path: Path) -> None:
    found = tmp_path / "sub" / "searched.yaml"
    found.parent.mkdir()
    found.write_text("table: [[[gain, 0.5, 3], [rq, 1, [0, 5]]]]\n")
    full: dict[str, Any] = {"augment": "crop", "random": {"n": 2, "m": 9}, "crop": [0.5, 1], "local": True, "size": 3}
    views = read_views(["crop", "hand", str(found), full, {"bins": [2, 4], "kind": "b"}], vocabulary, "rq")
    assert views == [
        ViewPolicy("crop"),
        ViewPolicy("crop+rq", "hand", settings={"bins": [4]}),
        ViewPolicy("none", "searched", table=((Step("gain", 0.5, 3.0), Step("rq", 1.0, (0.0, 5.0))),)),
        ViewPolicy(
            "crop",
            random=RandomOperations(2, 9.0, ("gain", "rq")),
            local=True,
            settings={"crop": (0.5, 1.0), "size": 3},
        ),
        ViewPolicy("rq", settings={"bins": [2, 4], "kind": "b"}),
    ]
    assert read_views([view.written() for view in views], vocabulary, "crop") == views
    assert read_views([], vocabulary, "crop") == [ViewPolicy("crop")] * 2
    assert [view.title for view in views] == ["crop", "hand", "searched", "local crop+2 of strength 9", "rq"]


@pytest.mark.parametrize(
    ("views", "says"),
    [
        (["crop"], "two to eight policies, got 1"),
        (["crop"] * 9, "two to eight policies, got 9"),
        (["crop", {"local": True}], "at least two views that are not local.*add one"),
        ([{"local": True}] * 2, "add two"),
        (["crop", "hnad"], r"hnad \(did you mean hand\?\) is no policy.*a policy by name \(hand\)"),
        (["crop", "crop+noise"], "is no policy"),
        (["crop", "gone/x.yaml"], "does not exist"),
        (["crop", {"bin": 3}], r"a view has no bin \(did you mean bins"),
        (["crop", {"bins": "few"}], "bins should be a list"),
        (["crop", {"crop": [1, 2, 3]}], "crop should be 2 values"),
        (["crop", {"kind": "c"}], "kind should be one of a, b"),
        (["crop", {"size": 3}], "size is the size of a local view"),
        (["crop", {"random": 3}], "random takes n and m"),
        (["crop", {"random": {"n": 0, "m": 3}}], "n should be from 1"),
        (["crop", {"random": {"n": 1, "m": 11}}], "strength from 0 to 10"),
        (["crop", {"random": {"n": 1, "m": 1, "operations": ["gian"]}}], r"gian is no operation \(did you mean gain"),
        (["crop", {"table": []}], "table takes a list"),
        (["crop", {"table": [[["rq", 2, 3]]]}], r"in \[0, 1\], got 2"),
        (["crop", "{random: {n: 2"], "is not YAML"),
        (["crop", 3], "takes names and policies in full, got 3"),
    ],
)
def test_mistakes_are_told_in_a_sentence(vocabulary: Vocabulary, views: list[Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^--views.*{says}") as error:
        read_views(views, vocabulary, "rq")
    assert "\n" not in str(error.value)


def test_a_file_that_holds_no_policy(vocabulary: Vocabulary, tmp_path: Path) -> None:
    texts = dict.fromkeys(("- a\n", "a: [\n", "", "\x00", "1: 2\n", "[" * 3000), "holds no policy")
    texts |= {"augment: rq\naugment: crop\n": "gives augment twice", "a: &x [1]\nb: [*x]\n": "by a reference"}
    for text, says in texts.items():
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(ValueError, match=f"^--views .*{says}"):
            read_views(["crop", str(tmp_path / "bad.yaml")], vocabulary, "rq")
