"""Results side by side, as typed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.cli.command import run
from randquant.data.features import Items
from randquant.files.atomic import write_json
from randquant.results.folder import add
from randquant.results.predictions import prediction_table
from randquant.results.record import Entry, Result
from randquant.scripts.compare import arguments, compare
from tests.randquant.results.scored import scored


def entry(task: str, accuracy: float, *, seed: int, protocol: str = "byola-v1", count: int = 200) -> Entry[Result]:
    """One repeat on `count` items, about `accuracy` of them right."""
    truth = np.arange(count) % 2
    wrong = np.random.default_rng(seed).random(count) > accuracy
    predictions = np.where(wrong, 1 - truth, truth)[None]
    items = Items([f"{row}" for row in range(count)], ["a"] * count, [None] * count, ["test"] * count)
    outcome = scored(truth, predictions, ["a", "b"], items, seeds=[42])
    facts = {
        "task": task,
        "probe": "linear",
        "accuracy": float(1 - wrong.mean()),
        "protocol": {"name": protocol},
        "checkpoint": {"sha256": f"{seed:064d}"},
    }
    return Entry(Result.from_json(facts), prediction_table(task, "linear", outcome))


def write(folder: Path, accuracies: dict[str, float], **options: Any) -> str:
    entries = [entry(task, accuracy, **options) for task, accuracy in accuracies.items()]
    add(folder, {"folder": folder.name}, entries, lambda results: "page")
    return str(folder)


def typed(*words: str) -> int:
    return run(compare, arguments(words))


@pytest.fixture
def results(tmp_path: Path) -> tuple[str, str]:
    one = write(tmp_path / "one", {"nsynth": 0.6, "us8k": 0.8}, seed=0)
    return one, write(tmp_path / "two", {"nsynth": 0.85, "us8k": 0.8, "mine": 0.5}, seed=1)


def test_side_by_side(results: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(*results, "--out", str(tmp_path / "c.json")) == 0
    printed = capsys.readouterr().out
    record = json.loads((tmp_path / "c.json").read_text())
    (difference,) = record["differences"]
    tasks = {task["task"]: task for task in difference["tasks"]}
    assert list(tasks) == ["nsynth", "us8k"]
    assert tasks["nsynth"]["p"] < 0.001 < tasks["us8k"]["p"]
    assert tasks["nsynth"]["method"] == "exact McNemar test"
    assert tasks["nsynth"]["p_holm"] == pytest.approx(2 * tasks["nsynth"]["p"])
    low, high = tasks["nsynth"]["interval"]
    assert 0 < low < tasks["nsynth"]["difference"] < high
    assert difference["mean"] == pytest.approx(np.mean([task["difference"] for task in tasks.values()]))
    assert "200 items" in printed
    assert "mean of 2" in printed, "a task of one run alone is not in it"
    assert f"A  {results[0]}" in printed


def test_the_same_command_prints_the_same(results: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    typed(*results)
    first = capsys.readouterr().out
    typed(*results)
    assert capsys.readouterr().out == first


def test_three_runs_are_two_comparisons(
    results: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    third = write(tmp_path / "three", {"nsynth": 0.7}, seed=2)
    assert typed(*results, third, "--task", "ns") == 0
    printed = capsys.readouterr().out
    assert "B - A" in printed
    assert "C - A" in printed
    assert "us8k" not in printed


def test_json_files_have_no_p(results: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"task": "nsynth", "accuracy": 0.5, "protocol": {"name": "byola-v1"}}
    write_json(tmp_path / "old.json", facts)
    write_json(tmp_path / "several.json", {"results": [facts, {**facts, "task": "us8k"}]})
    for name in ("old.json", "several.json"):
        assert typed(str(tmp_path / name), results[0]) == 0
        assert "holds no predictions" in capsys.readouterr().out


def test_nested_probes_of_a_json_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, accuracy in (("a", 0.5), ("b", 0.25)):
        facts = {"task": "t", "probe": "linear", "probes": ["linear", "knn"], "accuracy": 0.9}
        write_json(tmp_path / f"{name}.json", {**facts, "knn": {"probe": "knn", "accuracy": accuracy}})
    assert typed(str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--probe", "knn") == 0
    assert "-25.00" in capsys.readouterr().out


def test_the_first_probe_that_all_hold_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = {"task": "t", "probe": "svm", "probes": ["svm", "knn"], "accuracy": 0.5}
    both["knn"] = {"probe": "knn", "accuracy": 0.3}
    for name, facts in (("a", both), ("b", both), ("c", {**both, "probe": "knn", "probes": ["knn"]})):
        write_json(tmp_path / f"{name}.json", facts)
    write_json(tmp_path / "d.json", {**both, "probe": "mlp", "probes": ["mlp"]})
    paths = {name: str(tmp_path / f"{name}.json") for name in "abcd"}
    for other, says in (("b", "probe svm"), ("c", "probe knn")):
        assert typed(paths["a"], paths[other]) == 0
        assert says in capsys.readouterr().out
    assert typed(paths["c"], paths["d"]) == 1
    assert "share no probe" in capsys.readouterr().err


def test_another_protocol_is_warned_of(
    results: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "evar", {"nsynth": 0.7}, seed=2, protocol="evar")
    assert typed(results[0], other) == 0
    assert "warning: nsynth: protocol: byola-v1 against evar" in capsys.readouterr().out


def test_mistakes_are_one_sentence(
    results: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = results
    fewer = write(tmp_path / "fewer", {"nsynth": 0.7}, seed=3, count=100)
    alone = write(tmp_path / "alone", {"vf": 0.7}, seed=3)
    (tmp_path / "text.json").write_text('{"a": 1}')
    for words, code, says in [
        ((one,), 2, "at least two"),
        ((), 2, "--runs must be given"),
        ((one, one), 2, "twice"),
        ((one, f"{one}/."), 2, "twice"),
        ((one, two, "--out", "x.csv"), 2, ".json"),
        ((one, two, "--seed", "-1"), 2, "--seed"),
        ((one, two, "--probe", "svm"), 1, "it holds: linear"),
        ((one, two, "--task", "vf"), 1, "holds no task voxforge"),
        ((one, fewer), 1, "other test items"),
        ((one, alone), 1, "share no task"),
        ((one, str(tmp_path)), 1, "results.json"),
        ((one, str(tmp_path / "nowhere")), 1, "does not exist"),
        ((one, str(tmp_path / "text.json")), 1, "no probe results"),
    ]:
        assert typed(*words) == code
        said = capsys.readouterr().err.strip()
        assert says in said
        assert "\n" not in said


def test_arms_in_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [
        write(tmp_path / f"sound-{arm}-{seed}", {"nsynth": accuracy}, seed=seed)
        for arm, accuracy in (("none", 0.6), ("rq", 0.8))
        for seed in (42, 43)
    ]
    out = ["--out", str(tmp_path / "t.md"), "--picture", str(tmp_path / "p.svg")]
    assert typed(*folders, "--arms", "none", "rq", *out) == 0
    assert "rq - none" in capsys.readouterr().out
    assert (tmp_path / "t.md").read_text().splitlines()[2].startswith("| sound")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pairs", "rq-none"], "of --arms"),
        (["--arms", "one"], "two or more"),
        (["--arms", "one", "two", "--pairs", "one-three"], "should be two of one, two each"),
        (["--arms", "none", "rq"], "between dashes"),
        (["--arms", "one", "two", "--out", "c.json"], "should end in .md"),
        (["--probe", "linear", "svm"], "--arms alone takes"),
    ],
)
def test_what_does_not_fit_arms(
    results: tuple[str, str], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*results, *words) == 2
    assert said in capsys.readouterr().err
