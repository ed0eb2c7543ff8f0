"""Rehearsals: the whole chain on a small share, and trees in the published numbers."""

import json
import sys
from pathlib import Path

import pytest

from randquant.errors import DataError, UsageError
from randquant.scripts.rehearsal.chain import CHAINS
from randquant.scripts.rehearsal.measured import measured
from randquant.scripts.rehearse import rehearse

pytestmark = pytest.mark.long

linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="costs are read from /proc")


@linux
def test_a_share_goes_from_tree_to_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rehearse("us8k", tmp_path, count=300, stages=["prepare", "open", "probe"])
    record = json.loads((tmp_path / "us8k-300.json").read_text())
    assert list(record["stages"]) == ["prepare", "open", "probe"]
    assert record["store"]["items"] == 300
    assert all(cost["files"] < 64 for cost in record["stages"].values())
    assert "| us8k | 300 | probe |" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["us8k-300.json"]


@linux
def test_costs_are_those_of_the_command_and_what_it_starts(tmp_path: Path) -> None:
    child = "held = bytearray(80_000_000); import time; time.sleep(0.4)"
    start = f"subprocess.run([sys.executable, '-c', {child!r}])"
    parent = f"import subprocess, sys; files = [open('/dev/null') for _ in range(20)]; {start}"
    cost = measured([sys.executable, "-c", parent], tmp_path / "log", open_files=64)
    assert cost.seconds > 0.4
    assert cost.processes == 2
    assert 23 <= cost.files < 30
    assert 80 <= cost.workers_memory < 200
    assert 80 <= cost.own_memory < 250


@linux
def test_a_limit_of_open_files_holds_and_a_failure_says_why(tmp_path: Path) -> None:
    greedy = "files = [open('/dev/null') for _ in range(100)]"
    with pytest.raises(DataError, match=r"ended with code 1: OSError: .*Too many open files"):
        measured([sys.executable, "-c", greedy], tmp_path / "log", open_files=64)


@pytest.mark.parametrize("dataset", CHAINS)
def test_too_few_items_are_refused(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--count 0 is too few"):
        rehearse(dataset, tmp_path, count=0)  # type: ignore[arg-type]
