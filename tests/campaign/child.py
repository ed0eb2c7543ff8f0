"""The client of the server of commands."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """How one command ended: exit code (negative: the signal), CPU seconds, what it printed."""

    code: int
    seconds: float
    timed_out: bool
    out: str
    err: str


class Commands:
    """Runs commands of the project in forked children; a context manager."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'common'}:{ROOT}", "OMP_NUM_THREADS": "1"}
        environment.pop("PYTEST_CURRENT_TEST", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def run(
        self,
        name: str,
        argv: list[str],
        folder: Path,
        *,
        environment: dict[str, str] | None = None,
        seconds: float = 120,
    ) -> Outcome:
        """Run `python -m scripts.NAME ARGV` in `folder`, which is made where absent."""
        folder.mkdir(parents=True, exist_ok=True)
        variables = {"RANDQUANT_CACHE": str(folder / "cache"), **(environment or {})}
        request = {
            "name": name,
            "argv": argv,
            "folder": str(folder),
            "environment": variables,
            "seconds": seconds,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        out, err = (
            (folder / stream).read_bytes().decode("utf-8", "surrogateescape") if (folder / stream).exists() else ""
            for stream in ("stdout", "stderr")
        )
        return Outcome(answer["code"], answer["seconds"], answer["timed_out"], out, err)

    def __enter__(self) -> "Commands":
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
