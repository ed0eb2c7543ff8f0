"""A lock is one process's at a time and ends with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from randquant.errors import DataError
from randquant.files.lock import is_locked, locked

HOLD = """
import sys, time
from pathlib import Path
from randquant.files.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    with pytest.raises(DataError, match="another run"), locked(tmp_path):
        pass
    process.kill()
    process.wait()
    with locked(tmp_path):
        pass


def test_a_look_at_a_lock_refuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_locked(tmp_path)
    looking = locked(tmp_path)
    looking.__enter__()
    assert is_locked(tmp_path)
    monkeypatch.setattr("randquant.files.lock.sleep", lambda _: looking.__exit__(None, None, None))
    with locked(tmp_path):
        pass


def test_or_waits(tmp_path: Path) -> None:
    process = holder(tmp_path, 0.5)
    began = time.monotonic()
    with locked(tmp_path, wait=True):
        assert process.wait(timeout=10) == 0
    assert time.monotonic() - began > 0.1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_does_not_hold_the_lock(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with locked(tmp_path):
        child = os.fork()
        if child == 0:
            os.write(writing, b"x")  # it runs, so it has let go
            time.sleep(60)
            os._exit(0)
        assert os.read(reading, 1) == b"x"
    try:
        with locked(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
