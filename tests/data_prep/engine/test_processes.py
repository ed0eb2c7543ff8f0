"""Processes that end with the one that started them, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from randquant.data_prep.engine.processes import in_processes
from randquant.errors import DataError

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common")])}

SLOW = """
import time
from pathlib import Path
import numpy as np
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.preparation import prepare
from randquant.cli.command import run

def read(path):
    time.sleep(0.02)
    return {"source_rate": 8000}, [np.ones(10, np.int16)]

def main(out: Path) -> None:
    items = [Item(f"{index}.txt", 5) for index in range(5000)]
    prepare(Plan(out.parent, items, Reader("audio", read, {"sample_rate": 16000})), out, workers=2)

raise SystemExit(run(main))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the children")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_outlives_the_parent(ending: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", SLOW, "--out", str(out)]
    run = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    _until(lambda: bool(list(out.glob("shards/*.json"))), 60)
    children = [process for process in _processes() if _parent(process) == run.pid]
    assert len(children) >= 2
    run.send_signal(ending)
    if ending == signal.SIGKILL:
        _until(lambda: _removed(out), 5)
    errors = run.communicate()[1]
    _until(lambda: not [process for process in children if _parent(process) is not None], 5)
    if ending == signal.SIGKILL:
        assert not out.exists()
    else:
        assert run.returncode == 130
        assert "\ninterrupted" in f"\n{errors}"  # Python may tell of semaphores after it
        assert not list(out.rglob("*.partial*"))


def _removed(folder: Path) -> bool:
    """Remove a folder that others may still be writing into; whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _until(condition, seconds: float) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(process: int) -> int | None:
    """None where it is gone, or dead and not yet waited for."""
    try:
        state, parent = (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def test_results_and_order() -> None:
    tasks = [(number, 3) for number in range(20)]
    assert list(in_processes(pow, tasks, 2)) == [number**3 for number in range(20)]
    assert sorted(in_processes(pow, tasks, 2, ordered=False)) == [number**3 for number in range(20)]
    assert list(in_processes(pow, tasks[:1], None)) == [0]


def test_what_comes_first_is_called_once_and_here() -> None:
    called: list[int] = []
    first = lambda: called.append(os.getpid())  # noqa: E731
    assert list(in_processes(pow, [(2, 3)], 2, first=first)) == [8]
    assert called == []
    assert list(in_processes(pow, [(2, 3)] * 5, 2, first=first)) == [8] * 5
    assert called == [os.getpid()]


def test_a_killed_worker_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"a worker process was killed.*fewer --workers: all is kept"):
        list(in_processes(os._exit, [(1,)] * 4, 2, kept=": all is kept"))
