"""Measure time, memory and open files of a command and all processes it starts (Linux only)."""

import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from randquant.errors import DataError

_EVERY = 0.1  # seconds between two looks
_MEGABYTE = 1000  # kB, which /proc counts in, closely enough


@dataclass(frozen=True)
class Cost:
    """Of one command, run to its end.

    Attributes:
        seconds: by the clock.
        processor_seconds: of all processes together; what a busy machine changes least.
        memory: MB, the largest resident size of any one process at any time, files that it maps among it.
        workers_memory: the same of those that it started; 0 where it started none.
        own_memory: MB, the largest sum over all processes of memory that is theirs alone, maps of files left out.
        files: the most files that one process held open at once.
        processes: the most at once.
    """

    seconds: float
    processor_seconds: float
    memory: float
    workers_memory: float
    own_memory: float
    files: int
    processes: int


@dataclass
class _Peaks:
    memory: dict[int, int] = field(default_factory=dict)
    own: int = 0
    files: int = 0
    processes: int = 0


def measured(command: Sequence[str], log: Path, *, open_files: int) -> Cost:
    """Run a command with its output in `log`.

    Args:
        command: program and arguments.
        log: file to append both its streams to.
        open_files: that each process may hold at once.

    Raises:
        DataError: it failed; the end of its output is in the sentence.
    """
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (open_files, open_files))
    peaks, began = _Peaks(), time.monotonic()
    with open(log, "ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, preexec_fn=limit)
        ended = 0
        while not ended:
            _look(process.pid, peaks)
            time.sleep(_EVERY)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise DataError(f"{' '.join(command)} ended with code {process.returncode}: {_last_line(log)}")
    started = [size for pid, size in peaks.memory.items() if pid != process.pid]
    return Cost(
        round(time.monotonic() - began, 2),
        round(usage.ru_utime + usage.ru_stime, 2),
        max(peaks.memory.values(), default=0) // _MEGABYTE,  # usage's own is at least that of who started it
        max(started, default=0) // _MEGABYTE,
        peaks.own // _MEGABYTE,
        peaks.files,
        peaks.processes,
    )


def _look(root: int, peaks: _Peaks) -> None:
    own = processes = 0
    for pid in _family(root):
        try:
            status = sizes(pid)
            files = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:  # it has just ended
            continue
        if "VmHWM" not in status:  # it has just ended, and nobody has asked for its exit code
            continue
        processes += 1
        own += status["RssAnon"] + status["RssShmem"]
        peaks.memory[pid] = status["VmHWM"]
        peaks.files = max(peaks.files, files)
    peaks.own, peaks.processes = max(peaks.own, own), max(peaks.processes, processes)


def _family(root: int) -> Iterator[int]:
    """A process and all below it, but for copies of one that have not yet become what they will be.

    Between fork and exec a child has its parent's memory and command line, and would count it twice.
    """
    yield root
    try:
        command = Path(f"/proc/{root}/cmdline").read_bytes()
        children = [child for thread in os.listdir(f"/proc/{root}/task") for child in _children(root, thread)]
        others = [child for child in children if Path(f"/proc/{child}/cmdline").read_bytes() != command]
    except OSError:
        return
    for child in others:
        yield from _family(child)


def _children(pid: int, thread: str) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]


def sizes(pid: int | str) -> dict[str, int]:
    """The sizes in /proc/PID/status, in kB: `VmHWM`, `RssAnon` and others; of this process where "self"."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    split = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) for name, size, _ in split}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
    return lines[-1].rpartition("\r")[2][-500:]
