"""A results folder: it grows, it replaces, it refuses what does not belong, and it is never half written."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from randquant.data.features import Items
from randquant.errors import DataError
from randquant.results import folder as report
from randquant.results.folder import add, read_report, require_subject
from randquant.results.predictions import prediction_table
from randquant.results.record import Entry, Result
from tests.randquant.results.scored import scored

SUBJECT = {"encoder": "0123abcd", "protocol": "byola-v1"}
FILES = ["confusion.parquet", "per_class.parquet", "predictions.parquet", "results.json", "table.md"]


def entry(task: str, probe: str = "linear", *, wrong: int = 0) -> Entry[Result]:
    truth = np.array([0, 1, 0, 1])
    predictions = np.stack([truth, truth])
    predictions[0, :wrong] = 1 - truth[:wrong]
    items = Items([f"{row}" for row in range(4)], ["a", "b", "a", "b"], [None] * 4, ["test"] * 4)
    outcome = scored(truth, predictions, ["a", "b"], items, seeds=[0, 1])
    result = Result.from_json({"task": task, "probe": probe, "accuracy": 1 - wrong / 8})
    return Entry(result, prediction_table(task, probe, outcome))


def page(results: list[Result]) -> str:
    return "\n".join(f"{result.task} {result.probe} {result.accuracy}" for result in results)


def test_a_folder_holds_everything(tmp_path: Path) -> None:
    add(tmp_path / "deep" / "results", SUBJECT, [entry("b"), entry("a", wrong=2)], page)
    folder = tmp_path / "deep" / "results"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "table.md").read_text() == "a linear 0.75\nb linear 1.0"
    assert pq.read_table(folder / "predictions.parquet").num_rows == 16
    assert pq.read_table(folder / "per_class.parquet").num_rows == 4
    found = read_report(folder)
    assert found.subject == SUBJECT
    assert found.predictions(found.results[0])["task"].unique().to_pylist() == ["a"]


def test_another_task_is_added_and_the_same_is_replaced(tmp_path: Path) -> None:
    add(tmp_path, SUBJECT, [entry("a"), entry("a", "knn")], page)
    add(tmp_path, SUBJECT, [entry("b")], page)
    add(tmp_path, SUBJECT, [entry("a", wrong=4)], page)
    found = read_report(tmp_path)
    kept = [(result.task, result.probe, result.accuracy) for result in found.results]
    assert sorted(kept) == [("a", "knn", 1.0), ("a", "linear", 0.5), ("b", "linear", 1.0)]
    assert len([found.predictions(each) for each in found.results]) == 3
    assert pq.read_table(tmp_path / "predictions.parquet").num_rows == 24


def test_the_same_again_changes_no_byte(tmp_path: Path) -> None:
    add(tmp_path, SUBJECT, [entry("a"), entry("b")], page)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    add(tmp_path, SUBJECT, [entry("a"), entry("b")], page)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_another_subject_is_refused(tmp_path: Path) -> None:
    add(tmp_path, SUBJECT, [entry("a")], page)
    with pytest.raises(DataError, match="protocol byola-v1, but these have protocol evar"):
        require_subject(tmp_path, {**SUBJECT, "protocol": "evar"})
    with pytest.raises(DataError, match="choose another --out"):
        add(tmp_path, {**SUBJECT, "encoder": "other"}, [entry("b")], page)
    assert len(read_report(tmp_path).results) == 1
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        require_subject(tmp_path / "file", SUBJECT)


def test_stopped_half_way_the_numbers_do_not_pass_for_the_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path, SUBJECT, [entry("a"), entry("b")], page)
    with monkeypatch.context() as patched:
        patched.setattr(report, "write_json", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            add(tmp_path, SUBJECT, [entry("a", wrong=1)], page)
    found = read_report(tmp_path)
    assert found.predictions(found.results[1]).num_rows == 8
    with pytest.raises(DataError, match="run that probe again"):
        found.predictions(found.results[0])
    add(tmp_path, SUBJECT, [entry("a", wrong=1)], page)
    found = read_report(tmp_path)
    assert found.predictions(found.results[0]).num_rows == 8


def _add_one(folder: Path, number: int) -> None:
    add(folder, SUBJECT, [entry(f"task {number}")], page)


def test_processes_may_add_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add_one, args=(tmp_path, number)) for number in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [result.task for result in read_report(tmp_path).results] == [f"task {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "not the file of a results folder"),
        ("[]", "JSON object"),
        ("x", "not readable as JSON"),
        (json.dumps({"format": "randquant-results", "version": 99, "results": []}), "version 99"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(DataError, match=says):
        read_report(tmp_path)


def test_lost_and_broken_predictions(tmp_path: Path) -> None:
    add(tmp_path, SUBJECT, [entry("a")], page)
    found = read_report(tmp_path)
    (tmp_path / "predictions.parquet").write_text("PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        found.predictions(found.results[0])
    (tmp_path / "predictions.parquet").unlink()
    with pytest.raises(DataError, match="is missing"):
        found.predictions(found.results[0])
