"""The metrics of a run, as a table and for its loggers; a resumed run continues them."""

import csv
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from randquant.cli.terminal import say
from randquant.files.atomic import atomic_path
from randquant.training.loggers.logger import LoggedRun
from randquant.training.loggers.several import Loggers

_COLUMNS = ("step", "name", "value", "seconds")
_TAIL = 4096  # bytes


class RunLog:
    """RUN/log.csv, one line a number, and the loggers of the run.

    Args:
        run: folder of the run.
        start: step of the checkpoint the run goes on from; later rows are dropped, they will be written again.
        enabled: false in all processes but one.
        loggers: names of `randquant.training.loggers.registry`.
        settings: of the run, JSON values, for the loggers.
    """

    def __init__(
        self,
        run: Path,
        start: int,
        *,
        enabled: bool,
        loggers: Sequence[str] = ("tensorboard",),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.path, self.enabled, self.began = run / "log.csv", enabled, time.monotonic()
        if not enabled:
            return
        kept = [row for row in log_rows(self.path) if int(row["step"]) <= start]
        with atomic_path(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(kept)
        self.elapsed = float(kept[-1]["seconds"]) if kept else 0.0
        self.loggers = Loggers(loggers, LoggedRun(run, start, settings or {}))

    def row(self, step: int, numbers: dict[str, float]) -> None:
        """Append one line a number: step, name, value, seconds of training so far."""
        if not self.enabled or not numbers:
            return
        seconds = self.elapsed + time.monotonic() - self.began
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(
                (step, name, f"{value:.6g}", f"{seconds:.1f}") for name, value in numbers.items()
            )
        self.loggers.numbers(step, numbers)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self.enabled:
            self.loggers.close(finished=kind is None)


def log_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a log.csv that can be read, by column; the last one may have been cut off, and others damaged, which
    is said. Empty where there is no file.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").replace("\0", "\ufffd").splitlines()
    rows = [dict(zip(_COLUMNS, line.split(","), strict=False)) for line in lines if line != ",".join(_COLUMNS)]
    whole = [row for row in rows if _is_whole(row)]
    cut_off = bool(rows) and not _is_whole(rows[-1])
    if len(rows) - len(whole) > cut_off:
        say(f"note: {path} had {len(rows) - len(whole)} damaged lines, which were left out", file=sys.stderr)
    return whole


def last_row(path: Path) -> dict[str, str] | None:
    """The last whole row of a log.csv, found from its end; None where there is none, or no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, 2) - _TAIL, 0))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    rows = (dict(zip(_COLUMNS, line.split(","), strict=False)) for line in reversed(lines))
    return next((row for row in rows if _is_whole(row)), None)


def _is_whole(row: dict[str, str]) -> bool:
    """Whether it is a step, a name and two numbers."""
    try:
        float(row["value"]), float(row["seconds"])
        return row["step"].isdecimal() and row["name"].isidentifier()
    except (KeyError, ValueError):
        return False
