"""One file or a folder, said before anything is computed."""

from pathlib import Path

import pytest

from randquant.cli.command import run
from randquant.errors import UsageError
from randquant.files.atomic import read_json, write_json
from randquant.files.store_folder import require_outside_stores
from randquant.results.folder import Destination, is_folder, require_distinct
from randquant.results.predictions import SCHEMA
from randquant.results.record import Entry, Result

NONE = SCHEMA.empty_table()


def test_a_file_of_one_result_or_several(tmp_path: Path) -> None:
    x, y = (Entry(Result.from_json({"task": name, "accuracy": 0.5, "seeds": [1]}), NONE) for name in "xy")
    one: Destination[Result] = Destination(str(tmp_path / "a" / "one.json"), {})
    two: Destination[Result] = Destination(str(tmp_path / "two.json"), {})
    one.add([x])
    assert read_json(tmp_path / "a" / "one.json")["task"] == "x"
    assert not any("table.md" in line for line in one.lines())
    two.add([x])
    assert read_json(tmp_path / "two.json")["task"] == "x", "an error in the next one loses nothing"
    two.add([y])
    assert [facts["task"] for facts in read_json(tmp_path / "two.json")["results"]] == ["x", "y"]


def test_what_is_a_folder(tmp_path: Path) -> None:
    assert is_folder("results/")
    assert is_folder("results")
    assert is_folder(str(tmp_path))
    assert not is_folder("results.json")
    with pytest.raises(UsageError, match=r"should end in \.json"):
        is_folder("results.csv")


def test_a_task_comes_once() -> None:
    require_distinct(["a", "b"], "--task")
    with pytest.raises(UsageError, match="--task names a twice"):
        require_distinct(["a", "b", "a"], "--task")


@pytest.mark.parametrize("marker", ["store.json", "plan.json"])
def test_nothing_is_written_into_a_store(tmp_path: Path, marker: str) -> None:
    store = tmp_path / "store"
    write_json(store / marker, {"format": "randquant-store"})
    for out in (store, store / "shards" / "x", store / "a.json", store / "b" / ""):
        with pytest.raises(UsageError, match=r"lies in the prepared store .*store; choose another place"):
            is_folder(str(out))
    require_outside_stores(store, itself=False)
    with pytest.raises(UsageError, match="lies in the prepared store"):
        require_outside_stores(store / "a.parquet", itself=False)
    write_json(store / marker, {"format": "another program's"})
    assert not is_folder(str(store / "a.json"))


def test_no_command_writes_into_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "store.json", {"format": "randquant-store"})

    def embed(out: Path) -> None:
        raise AssertionError("should not be called")

    assert run(embed, ["--out", str(tmp_path / "a.parquet")]) == 2
    assert "lies in the prepared store" in capsys.readouterr().err
