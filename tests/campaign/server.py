"""Commands in forked children: everything is imported once, each input has a process, limits and streams of its own.

    python -m tests.campaign.server

reads one request a line from standard input (JSON: name, argv, folder, environment, seconds) and answers each with one
line: code, signal, seconds, timed_out. What the child printed lies in folder/stdout and folder/stderr.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

HEAVY = ("lightning_fabric", "av", "h5py", "numba", "soundfile", "soxr", "scipy.stats", "sklearn.svm")
SCRIPTS = (
    "prepare",
    "doctor",
    "embed",
    "probe_audio",
    "evaluate_modelnet",
    "compare",
    "preview_points",
    "pretrain_audio",
    "pretrain_pointcloud",
    "benchmark",
    "demo",
)
FUNCTIONS = {
    "embed": "embed",
    "probe_audio": "probe",
    "evaluate_modelnet": "evaluate",
    "compare": "compare",
    "preview_points": "preview",
    "pretrain_audio": "pretrain_audio",
    "pretrain_pointcloud": "pretrain_pointcloud",
    "benchmark": "benchmark",
    "demo": "demo",
}
MEMORY = 5 << 29  # bytes of address space beyond what the imports took
CPU_SECONDS = 30


def main() -> None:
    """Serve until standard input ends."""
    for name in HEAVY:
        import_module(name)
    for name in SCRIPTS:
        import_module(f"scripts.{name}")
    gc.collect()
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)


def commands(script: str) -> Callable[..., Any] | Mapping[str, Callable[..., Any]]:
    """What a script hands to `randquant.cli.command.run`."""
    module = import_module(f"scripts.{script}")
    return module.COMMANDS if script not in FUNCTIONS else getattr(module, FUNCTIONS[script])


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(request)
    timed_out, usage, status = False, None, 0
    while usage is None:
        done, status, found = os.wait4(child, os.WNOHANG)
        if done:
            usage = found
        elif time.monotonic() - began > request["seconds"]:
            timed_out = True
            os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
        else:
            time.sleep(0.002)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # whoever was left behind
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -killed
    seconds = usage.ru_utime + usage.ru_stime
    return {"code": code, "signal": killed, "seconds": seconds, "timed_out": timed_out}


def _child(request: dict[str, Any]) -> None:
    code = 99
    try:
        os.setsid()
        folder = Path(request["folder"])
        os.chdir(folder)
        os.environ.update(request["environment"])
        _streams(folder)
        sys.argv = [f"scripts/{request['name']}.py"]
        _limits()
        code = _call(request["name"], request["argv"])
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _call(script: str, argv: list[str]) -> int:
    from randquant.cli.command import run

    module = import_module(f"scripts.{script}")
    words = module.arguments(argv) if script == "compare" else argv
    try:
        return run(commands(script), words, description=module.__doc__)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0


def _streams(folder: Path) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o644), number)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="strict", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _limits() -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
