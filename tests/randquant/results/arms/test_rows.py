"""Arms on clean and changed items: their folders told apart, their means and differences as counted by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from randquant.data.features import Items
from randquant.errors import DataError, UsageError
from randquant.probes.conditions.corruption import Corruption, CorruptionKind
from randquant.probes.outcome import Details, Outcome
from randquant.results.arms.means import asked_of_all, mean_difference
from randquant.results.arms.rows import CLEAN, EVERY, Pair, arm_rows, grouped
from randquant.results.arms.table import arm_lines
from randquant.results.compare import open_run
from randquant.results.folder import add, read_report
from randquant.results.record import Result, entries
from tests.randquant.results.scored import scored

COUNT = 300
TRUTH = np.arange(COUNT) % 2


class Rain(Corruption):
    KINDS = {"rain": CorruptionKind(lambda x, severity, generator: x, (1.0, 2.0), "mm", 9.0)}  # noqa: RUF012


def answered(share: float, seed: int) -> Outcome[Details]:
    wrong = np.random.default_rng(seed).random(COUNT) > share
    predictions = np.where(wrong, 1 - TRUTH, TRUTH)[None]
    items = Items([f"{row}" for row in range(COUNT)], ["a"] * COUNT, [None] * COUNT, ["test"] * COUNT)
    outcome = scored(TRUTH, predictions, ["a", "b"], items, seeds=[42])
    return replace(outcome, numbers=replace(outcome.numbers, accuracy=float(1 - wrong.mean())))


def write(folder: Path, clean: float, rain: tuple[float, float], seed: int) -> str:
    asked = Rain.every(0)
    changed = {each.name: answered(share, seed + 10) for each, share in zip(asked, rain, strict=True)}
    facts = {"task": "drops", "seed": 1, "dimension": 2}
    found = entries(
        "drops",
        {"ridge": answered(clean, seed)},
        lambda numbers: Result.from_json({**numbers.to_json(), **facts}),
        asked,
        {"ridge": changed},
    )
    add(folder, {"folder": folder.name}, found, lambda results: "page")
    return str(folder)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    return [
        write(tmp_path / f"sound-{arm}-{seed}", clean, (clean - 0.1, clean - 0.3), seed)
        for seed in (42, 43)
        for arm, clean in (("none", 0.8), ("rq", 0.9))
    ]


def test_rows_are_means_and_differences(folders: list[str]) -> None:
    rows = arm_rows(grouped(folders, ["none", "rq"]), ["ridge"], [Pair("rq", "none")])
    assert [row.change for row in rows] == [CLEAN, "rain", EVERY]
    opened = {path: open_run(path, "ridge").with_changed().tasks for path in folders}
    none, rq = ([path for path in folders if f"-{arm}-" in path] for arm in ("none", "rq"))
    for row, tasks in zip(rows, (["drops"], *2 * [["drops, rain 1", "drops, rain 2"]]), strict=True):
        means = {
            arm: np.mean([opened[path][task].accuracy for path in paths for task in tasks])
            for arm, paths in (("none", none), ("rq", rq))
        }
        (difference,) = row.differences
        for arm, mean in means.items():
            assert row.arms[arm].accuracy == pytest.approx(mean)
        assert difference.difference == pytest.approx(means["rq"] - means["none"])
        low, high = difference.paired.interval
        assert low < difference.difference < high
        assert difference.paired.difference == pytest.approx(difference.difference)
    lines = arm_lines(rows, [Pair("rq", "none")])
    assert lines[0].split()[-6:] == ["-", "none", "by", "items", "by", "seeds"]
    assert len(lines) == 4


def test_a_folder_keeps_what_was_answered_to_changed_items(folders: list[str]) -> None:
    report = read_report(folders[0])
    (result,) = report.results
    clean, *rain = [result, *result.on_changed()]
    assert [each.task for each in rain] == ["drops, rain 1", "drops, rain 2"]
    for each in (clean, *rain):
        found = open_run(folders[0], "ridge").with_changed().answers(each.task)
        assert found is not None
        assert found.right.mean() == pytest.approx(each.accuracy)
    write(Path(folders[0]), 0.7, (0.6, 0.5), 7)
    again = read_report(folders[0])
    assert again.results[0].on_changed()[0].predictions_sha256 != rain[0].predictions_sha256
    assert all(len(again.predictions(each)) == COUNT for each in again.results[0].on_changed())


def test_folders_that_do_not_fit(folders: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="between dashes"):
        grouped([*folders, str(tmp_path / "sound-42")], ["none", "rq"])
    with pytest.raises(UsageError, match="other seeds"):
        grouped(folders[:3], ["none", "rq"])
    with pytest.raises(DataError, match="hold no probe of svm"):
        arm_rows(grouped(folders, ["none", "rq"]), ["svm"], [])


def test_the_mean_over_tasks(folders: list[str], tmp_path: Path) -> None:
    """Tasks weigh the same, and the interval is narrower than that of one task, by the root of their number."""
    more = [
        write(tmp_path / f"rows-{arm}-{seed}", clean, (clean, clean), seed + 100)
        for seed in (42, 43)
        for arm, clean in (("none", 0.7), ("rq", 0.72))
    ]
    pair = Pair("rq", "none")
    rows = arm_rows(grouped([*folders, *more], ["none", "rq"]), ["ridge"], [pair])
    asked = asked_of_all(rows, "ridge")
    assert [row.group for row in asked] == ["sound", "rows"]
    mean = mean_difference(asked, pair, 0)
    differences = [row.differences[0] for row in asked]
    assert mean.difference == pytest.approx(np.mean([each.difference for each in differences]))
    widths = [np.ptp(each.paired.interval) for each in differences]
    assert np.ptp(mean.interval) == pytest.approx(np.hypot(*widths) / 2, rel=0.1)
    by_seed = np.mean([np.subtract(row.arms["rq"].accuracies, row.arms["none"].accuracies) for row in asked], axis=0)
    assert mean.by_seeds == pytest.approx(12.706 * np.std(by_seed, ddof=1) / np.sqrt(2), rel=1e-3)
    assert arm_lines(rows, [pair])[-1].split()[:5] == ["mean", "2", "tasks", "ridge", CLEAN]


def test_one_task_has_no_mean(folders: list[str]) -> None:
    assert asked_of_all(arm_rows(grouped(folders, ["none", "rq"]), ["ridge"], []), "ridge") == []
