"""Runs side by side; runs that must not be compared."""

import json
from pathlib import Path

import numpy as np
import pytest

from randquant.data.features import Items
from randquant.errors import DataError
from randquant.results.compare import ComparedRun, compare, open_run, shared_probe
from randquant.results.folder import add
from randquant.results.predictions import Answers, prediction_table
from randquant.results.record import Entry, Result
from randquant.results.significance import holm
from tests.randquant.results.scored import scored


def answers(right: np.ndarray) -> Answers:
    """Predictions of (S, m) that are right where `right` says so."""
    repeats, count = right.shape
    predicted = np.where(right, "a", "b").astype(object)
    ids = [f"{item}.wav" for item in range(count)]
    return Answers(ids, ["a"] * count, [None] * count, [None] * count, list(range(repeats)), predicted)


def draw(count: int, share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((1, count)) < share


def run(name: str, tasks: dict[str, tuple[float, Answers]], **facts: object) -> ComparedRun:
    entries = {
        task: Result.from_json({"task": task, "accuracy": accuracy, "protocol": {"name": "byola-v1"}, **facts})
        for task, (accuracy, _) in tasks.items()
    }

    class Kept(ComparedRun):
        def answers(self, task: str) -> Answers | None:
            return tasks[task][1]

    return Kept(name, entries, None)


def test_several_tasks_are_adjusted_and_averaged() -> None:
    tasks = {f"task {n}": (0.6, answers(draw(100, 0.6, seed=n))) for n in range(3)}
    others = {f"task {n}": (0.7, answers(draw(100, 0.7, seed=n + 10))) for n in range(3)}
    (found,) = compare([run("a", tasks), run("b", others)])
    values = [each.paired.p for each in found.tasks if each.paired is not None]
    assert [each.p_holm for each in found.tasks] == holm(values)
    assert found.mean == pytest.approx(0.1)
    assert found.mean_interval is not None
    single = found.tasks[0].paired
    assert single is not None
    assert found.mean_interval[1] - found.mean_interval[0] < single.interval[1] - single.interval[0]


def test_other_conditions_are_said() -> None:
    tasks = {"t": (0.6, answers(draw(100, 0.6)))}
    (found,) = compare([run("a", tasks, unit_seconds=1.0), run("b", tasks, unit_seconds=4.0)])
    assert found.tasks[0].warnings == ["clip length: 1.0 against 4.0"]
    (found,) = compare([run("a", tasks), run("b", tasks, precision="bf16")])
    assert found.tasks[0].warnings == ["precision: 32 against bf16"]


def test_a_probe_is_found_under_its_former_name(tmp_path: Path) -> None:
    for name, probe in (("before", "logistic_path"), ("now", "logistic")):
        facts = {"task": "t", "accuracy": 0.5, "probe": probe, "protocol": {"name": ""}}
        (tmp_path / name).write_text(json.dumps(facts))
    paths = [str(tmp_path / name) for name in ("before", "now")]
    assert shared_probe(paths) == "logistic"
    for probe in ("logistic", "logistic_path"):
        (found,) = compare([open_run(path, probe) for path in paths])
        assert found.tasks[0].warnings == ["probe: logistic_path against logistic"]


def test_other_items_are_refused() -> None:
    one = {"t": (0.6, answers(draw(100, 0.6)))}
    other = {"t": (0.6, answers(draw(99, 0.6)))}
    with pytest.raises(DataError, match="other test items"):
        compare([run("a", one), run("b", other)])
    renamed = answers(draw(100, 0.6))
    with pytest.raises(DataError, match="other labels"):
        compare([run("a", one), run("b", {"t": (0.6, Answers(**{**vars(renamed), "labels": ["c"] * 100}))})])
    with pytest.raises(DataError, match="share no task"):
        compare([run("a", one), run("b", {"u": one["t"]})])


@pytest.mark.parametrize("folds", [None, ["1", "1", "1", "2"]])
def test_an_accuracy_that_the_predictions_do_not_score_is_refused(folds: list[str] | None, tmp_path: Path) -> None:
    truth, predicted = np.array([0, 1, 0, 1]), np.array([[0, 1, 0, 0]])
    items = Items(["0", "1", "2", "3"], ["a", "b", "a", "b"], [None] * 4, folds or ["test"] * 4)
    outcome = scored(truth, predicted, ["a", "b"], items, folds=folds is not None)
    right = 0.5 if folds else 0.75
    for stated in (right, 0.9):
        result = Result.from_json({"task": "t", "accuracy": stated, "counts": {"test": 4}})
        add(tmp_path, {}, [Entry(result, prediction_table("t", "linear", outcome))], lambda results: "")
        opened = open_run(str(tmp_path), "linear")
        if stated == right:
            assert opened.answers("t") is not None
    with pytest.raises(DataError, match=f"accuracy of 0.9000 on t, its predictions score {right:.4f}"):
        compare([opened, opened])
