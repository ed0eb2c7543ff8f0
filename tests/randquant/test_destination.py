"""One file or a folder, said before anything is computed."""

from pathlib import Path

import pytest

from randquant.atomic import read_json
from randquant.destination import Destination, is_folder, require_distinct
from randquant.errors import UsageError


def test_a_file_of_one_result_or_several(tmp_path: Path) -> None:
    one, two = Destination(str(tmp_path / "a" / "one.json"), {}, str), Destination(str(tmp_path / "two.json"), {}, str)
    one.add({"task": "x"}, [])
    assert read_json(tmp_path / "a" / "one.json") == {"task": "x"}
    assert one.shown() == []
    two.add({"task": "x"}, [])
    assert read_json(tmp_path / "two.json") == {"task": "x"}, "an error in the next one loses nothing"
    two.add({"task": "y"}, [])
    assert read_json(tmp_path / "two.json") == {"results": [{"task": "x"}, {"task": "y"}]}


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
