"""Which trainings are one encoder, and what is compared with what."""

from pathlib import Path

import pytest

from randquant.report.comparison import comparisons, tasks_of
from randquant.report.encoders import SeedMean, side_by_side
from randquant.report.inputs import open_inputs
from randquant.results.compare import ComparedRun, compare, open_run
from randquant.results.record import Result
from tests.randquant.report.probed import folder, training


def test_trainings_that_differ_in_their_seed_are_one(tmp_path: Path) -> None:
    paths = []
    for draw, (name, seed, rate) in enumerate([("a", 1, 0.1), ("a", 2, 0.1), ("b", 1, 0.2), ("c", 1, 0.1)]):
        run = training(tmp_path / "runs" / f"{name}{seed}", seed=seed, learning_rate=rate)
        kept = folder(
            tmp_path / f"{name}-seed{seed}", share=0.5 + draw / 10, draw=draw, checkpoint=str(run), seed=seed, step=9
        )
        paths.append(str(kept))
    probed, runs = open_inputs([*paths, str(tmp_path / "runs" / "a1")])
    encoders = side_by_side(probed)
    assert runs == []  # the run is that of the first results
    # c is a second training with the settings and the seed of one that is there: no further repeat.
    assert [(each.name, each.seeds) for each in encoders] == [("a", 2), ("c-seed1", 1), ("b-seed1", 1)]
    (task,) = tasks_of(encoders)
    first = task.candidates[0]
    single = [probed[place].results[0].accuracy for place in (0, 1)]
    assert first.result.accuracies == single
    assert first.result.accuracy == pytest.approx(sum(single) / 2)
    assert first.answers is not None
    assert first.answers.right.mean() == pytest.approx(first.result.accuracy)


def test_trainings_of_unknown_settings_stay_apart(tmp_path: Path) -> None:
    paths = [str(folder(tmp_path / f"x{seed}", share=0.5, draw=seed, checkpoint="gone", seed=seed)) for seed in (1, 2)]
    assert [each.seeds for each in side_by_side(open_inputs(paths)[0])] == [1, 1]


def test_differences_are_those_of_compare(tmp_path: Path) -> None:
    paths = [
        str(folder(tmp_path / name, share=share, draw=draw, tasks=("t", "u")))
        for draw, (name, share) in enumerate([("one", 0.6), ("two", 0.8)])
    ]
    encoders = side_by_side(open_inputs(paths)[0])
    (pair,) = comparisons(encoders, tasks_of(encoders), seed=3)
    (expected,) = compare([open_run(path, "linear") for path in paths], seed=3)
    assert pair.difference is not None
    assert [(each.task, each.difference, each.p_holm) for each in pair.difference.tasks] == [
        (each.task, each.difference, each.p_holm) for each in expected.tasks
    ]


def test_other_items_are_said_not_refused(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", share=0.6)
    other = folder(tmp_path / "two", share=0.6, draw=1, ids=[f"{item}.flac" for item in range(30)])
    (tmp_path / "three").mkdir()
    third = folder(tmp_path / "three", share=0.6, draw=2)
    (third / "predictions.parquet").unlink()
    encoders = side_by_side(open_inputs([str(one), str(other), str(third)])[0])
    tasks = tasks_of(encoders)
    first, second = comparisons(encoders, tasks, seed=0)
    assert "other test items" in first.problem
    assert second.difference is not None
    assert second.difference.tasks[0].paired is None
    assert "predictions.parquet is missing" in tasks[0].candidates[2].missing


def test_scores_of_changed_items_are_means_over_trainings() -> None:
    def asked(accuracy: float, *kinds: str) -> ComparedRun:
        changes = [{"kind": kind, "severity": 1.0, "unit": "mm", "accuracy": accuracy} for kind in kinds]
        result = Result.from_json({"task": "t", "accuracy": 0.9, "robustness": changes, "seeds": [1]})
        return ComparedRun("r", {"t": result}, None)

    changes = SeedMean("m", [asked(0.5, "rain", "hail"), asked(0.7, "rain")]).tasks["t"].robustness or []
    assert [(each.name, each.accuracy) for each in changes] == [("rain 1", pytest.approx(0.6))]
    assert SeedMean("m", [asked(0.5), asked(0.7)]).tasks["t"].robustness is None
