"""Two processes train: one of them speaks, and whatever ends one ends both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pointcloud.test_pretraining import write_store

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def started(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.pretrain_pointcloud", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def arguments(store: Path, out: Path) -> list[object]:
    fixed = "--d 16 --points 32 --steps 1000000 --batch_size 4 --hidden_size 16 --projection_size 8 --accelerator cpu"
    return [
        "--data",
        store,
        "--out",
        out,
        *fixed.split(),
        "--checkpoint_every",
        2,
        "--log_every",
        2,
        "--devices",
        2,
        "--method",
        "moco",
        "--queue_size",
        16,
    ]


def peers(process: subprocess.Popen[str]) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 150
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists()


def ends(process: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_whatever_ends_one_ends_both(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store").path
    run = tmp_path / "run"
    process = started(*arguments(store, run))
    wait_for(run / "checkpoint.pt", process)
    os.kill(peers(process)[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "process 1 of the training (of 0 to 1) was killed by SIGKILL" in errors.splitlines()[-1]
    assert "Traceback" not in errors

    before = (run / "checkpoint.pt").stat().st_mtime_ns
    process = started(*arguments(store, run))
    while (run / "checkpoint.pt").stat().st_mtime_ns == before and process.poll() is None:
        time.sleep(0.05)
    other = peers(process)[0]
    process.kill()
    process.communicate()
    assert ends(other)


def test_errors_of_all_are_said_once(tmp_path: Path) -> None:
    process = started(*arguments(tmp_path / "nowhere", tmp_path / "run"))
    _, errors = process.communicate(timeout=170)
    assert process.returncode == 1
    assert errors.count("there is no store") == 1
    assert len(errors.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
