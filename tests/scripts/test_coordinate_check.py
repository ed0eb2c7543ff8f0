"""The coordinate check as typed, on networks of a few units, and what it says of made-up tables."""

import csv
from pathlib import Path

import pytest

from randquant.cli.command import run
from randquant.scripts import coordinate_check as command
from randquant.scripts.width import loss_curves, movement
from randquant.scripts.width.coordinates import Coordinate
from randquant.scripts.width.loss_curves import Loss

pytest.importorskip("mup")
pytest.importorskip("matplotlib")


def check(out: Path, *more: str) -> int:
    words = "--modality pointcloud --widths 16 64 --seeds 1 --steps 1 --batch_size 4 --heads 1"
    return run(command.coordinate_check, [*words.split(), "--out", str(out), *more])


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_tables_and_pictures_of_both_parametrizations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = check(tmp_path / "check", "--method", "byol", "--loss_curves", "--curve_steps", "4", "--log_every", "2")
    found = {path.name for path in (tmp_path / "check").iterdir()}
    assert found == {"coordinates.csv", "coordinates.png", "loss_curves.csv", "loss_curves.png"}
    rows = table(tmp_path / "check" / "coordinates.csv")
    assert {row["module"] for row in rows} >= {"online.0", "online.0.conv5", "online.1.3", "predictor.0", "predictor.3"}
    assert not [row for row in rows if row["module"].startswith("teacher")]
    narrow = {
        name: [(row["module"], row["mean"]) for row in rows if (row["parametrization"], row["width"]) == (name, "16")]
        for name in ("standard", "mup")
    }
    assert narrow["standard"] == narrow["mup"], "the base width is the same in both"
    assert len(table(tmp_path / "check" / "loss_curves.csv")) == 2 * 2 * 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(("pass: wider", "fail: wider"))
    assert code in (0, 1)


def test_without_mup_the_standard_one_is_shown_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rows({"standard": {"hidden": 8.0, "output": 1.0}})
    place = "randquant.scripts.width.coordinates.coordinates"
    monkeypatch.setattr(place, lambda study, present, *_: made if present == ["standard"] else [])
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert check(tmp_path / "check") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("type: pip install 'randquant[mup]'")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--widths 64", "--widths should be at least two, the least first, got 64"),
        ("--widths 64 32", "--widths should be at least two, the least first, got 64 32"),
        ("--encoder PointNetLite", "--parametrization mup does not suit --encoder PointNetLite"),
        ("--encoder PointNot", "--encoder should be one of PointNetLite, PointNet"),
    ],
)
def test_bad_flags_end_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: str, sentence: str
) -> None:
    assert check(tmp_path / "check", *flags.split()) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert "Traceback" not in errors


def rows(factors: dict[str, dict[str, float]]) -> list[Coordinate]:
    """Of widths 1 and 4: each module's size and change are 1 at the narrow one and the factor at the wide one."""
    sizes = {"stem": (3, 3), "hidden": (4, 16), "output": (2, 2), "behind": (4, 16)}
    return [
        Coordinate(name, width, 0, step, module, sizes[module][wide], factor if wide else 1.0, factor if wide else 1.0)  # type: ignore[arg-type]
        for name, modules in factors.items()
        for wide, width in enumerate((1, 4))
        for step in (0, 1)
        for module, factor in modules.items()
    ]


@pytest.mark.parametrize(
    ("standard", "mup", "passed"), [(8.0, 1.5, True), (8.0, 2.5, False), (8.0, 0.3, False), (1.2, 1.5, False)]
)
def test_hidden_coordinates_decide(standard: float, mup: float, passed: bool) -> None:
    calm = {"stem": 9.0, "output": 9.0, "behind": 9.0}
    found, lines = movement.verdict(rows({"standard": {"hidden": standard, **calm}, "mup": {"hidden": mup, **calm}})[:])
    assert found is passed
    assert lines[-1].startswith("pass" if passed else "fail")


def test_parts_follow_the_order_of_the_modules() -> None:
    modules = {"stem": 1.0, "hidden": 1.0, "output": 1.0, "behind": 1.0}
    assert movement.parts(rows({"standard": modules})) == {
        "stem": "fixed", "hidden": "hidden", "output": "output", "behind": "behind",
    }  # fmt: skip


def test_wider_is_better_at_every_logged_step_or_it_fails() -> None:
    def losses(wide: float) -> list[Loss]:
        return [
            Loss("mup", width, seed, step, (wide if width == 2 else 1.0) + 0.001 * seed * width)
            for width in (1, 2)
            for seed in (0, 1)
            for step in (5, 10)
        ]

    for wide, passed in ((0.9, True), (1.0, True), (1.1, False), (float("nan"), False)):
        found, lines = loss_curves.verdict(losses(wide))
        assert found is passed
        assert lines[-1].startswith("pass" if passed else "fail")
