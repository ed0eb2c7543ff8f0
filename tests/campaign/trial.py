"""One trial of the campaign of kills: a job in a fork, killed, run to its end, and what is there afterwards."""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from randquant.cli.command import run

WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "shutil.rmtree"}
TIMES = {"seconds", "created", "date", "time"}  # fields that no two runs share
LIMIT = 120.0  # seconds a run may take


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        name: of the job.
        commands: as `randquant.cli.command.run` takes them.
        words: its arguments; IN and OUT stand for the folders of inputs and of the trial.
    """

    name: str
    commands: Any
    words: str


@dataclass
class Kill:
    """When a run is killed: before its n-th file operation, or some seconds after it began."""

    operation: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return f"before operation {self.operation}" if self.seconds is None else f"after {self.seconds:.2f} s"


@dataclass
class Reference:
    """What a job does where nobody kills it."""

    files: dict[str, Any]
    operations: int
    seconds: float


def count_operations(stop_at: int | None, places: tuple[str, ...]) -> list[int]:
    """Count this process's file operations below `places`, and kill it before number `stop_at`, from 1."""
    count, here = [0], os.getpid()
    flush = os.fsync

    def operation() -> None:
        if os.getpid() != here:  # forked loaders end with their parent, and take their temporary files with them
            return
        count[0] += 1
        if count[0] == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in WATCHED or not str(arguments[0]).startswith(places):
            return
        if event == "open" and not _writes(*arguments[1:]):
            return
        operation()

    def flushed(descriptor: Any) -> None:
        operation()
        flush(descriptor)

    os.fsync = flushed  # type: ignore[assignment]
    sys.addaudithook(hook)
    return count


def _writes(mode: Any, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if mode is None else any(c in mode for c in "wax+")


def start(job: Job, inputs: Path, out: Path, kill_before: int | None, report: Path | None) -> int:
    """The job in a fork of this process, in a session of its own; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        log = os.open(out.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        temporary = out.parent / "temporary"
        temporary.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = str(temporary)
        tempfile.tempdir = None
        count = count_operations(kill_before, (str(out), str(temporary)))
        words = job.words.replace("IN/", f"{inputs}/").replace("OUT/", f"{out}/").split()
        code = run(job.commands, words)
        if report is not None:
            report.write_text(str(count[0]))
        sys.stdout.flush()
    finally:
        os._exit(code)
    raise AssertionError


def wait(child: int, limit: float) -> int | None:
    """The exit code, negative for a signal; None where it still runs after `limit` seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def finish(job: Job, inputs: Path, out: Path, report: Path | None = None) -> str:
    """Run the job to its end; a complaint, or nothing."""
    child = start(job, inputs, out, None, report)
    code = wait(child, LIMIT)
    if code is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return f"did not end within {LIMIT:.0f} s"
    return "" if code == 0 else f"ended with {code}: {(out.parent / 'log.txt').read_text()[-400:]}"


def content(out: Path) -> dict[str, Any]:
    """Every file below a folder, without what depends on the clock."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_dir():
            found[name + "/"] = None
        elif "tensorboard" not in path.parts:  # an event file for every start
            found[name] = _timeless(path)
    return found


def _timeless(path: Path) -> Any:
    if path.name == "verified.json":  # when each shard was last checked against its hash
        return None
    data = path.read_bytes()
    if path.suffix == ".pt":  # equal values may be pickled in several ways
        return _plain(torch.load(path, weights_only=True))
    if path.suffix == ".json":
        return _without_times(json.loads(data))
    if path.name == "log.csv":
        return [line.rpartition(b",")[0] for line in data.splitlines() if b",items_per_second," not in line]
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(each) for key, each in value.items() if key not in TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def refer(job: Job, inputs: Path, folder: Path) -> Reference:
    """Run a job twice, uninterrupted: both have to leave the same."""
    left = []
    for _ in range(2):
        out, report = _fresh(folder), folder / "operations"
        began = time.monotonic()
        complaint = finish(job, inputs, out, report)
        if complaint:
            raise SystemExit(f"{job.name}: {complaint}")
        left.append(content(out))
    if differing := _differences(*left):
        raise SystemExit(f"{job.name}: two uninterrupted runs differ in {differing}")
    return Reference(left[0], int(report.read_text()), time.monotonic() - began)


def attempt(job: Job, reference: Reference, kills: list[Kill], inputs: Path, folder: Path) -> str:
    """Kill a job at these moments, let it finish, and look at what there is; a complaint, or nothing."""
    out = _fresh(folder)
    shared = set(os.listdir("/dev/shm"))
    sessions = []
    for kill in kills:
        child = start(job, inputs, out, kill.operation, None)
        sessions.append(child)
        if wait(child, LIMIT if kill.seconds is None else kill.seconds) is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    complaint = finish(job, inputs, out)
    if complaint:
        return complaint
    if differing := _differences(reference.files, content(out)):
        return f"differs in {differing}"
    return _left_behind(sessions, out.parent / "temporary", shared)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder / "out"


def _differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    return ", ".join(name for name in sorted(one.keys() | other.keys()) if one.get(name, 0) != other.get(name, 0))


def _left_behind(sessions: list[int], temporary: Path, shared: set[str]) -> str:
    for _ in range(200):  # loaders and workers look for their parent every few seconds
        alive = [session for session in sessions if _members(session)]
        if not alive:
            break
        time.sleep(0.1)
    else:
        return f"left processes of sessions {alive}"
    if left := [path.name for path in temporary.rglob("*")]:
        return f"left temporary files {left}"
    mine = [name for name in set(os.listdir("/dev/shm")) - shared if _is_mine(name, sessions)]
    return f"left shared memory {mine}" if mine else ""


def _is_mine(name: str, sessions: list[int]) -> bool:
    return any(f"_{session}" in name or str(session) in name.split("_") for session in sessions)


def _members(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, _parent, _group, its, *_ = entry.read_text().rpartition(")")[2].split()
            if int(its) == session and state not in "ZX":
                found.append(int(entry.parent.name))
    return found
