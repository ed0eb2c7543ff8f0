"""Several loggers as one, none of which can end a training: what fails is said once and left out from then on."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from randquant.cli.terminal import say
from randquant.errors import DataError, one_line
from randquant.files.atomic import read_json, write_json
from randquant.training.loggers.logger import LoggedRun, Logger
from randquant.training.loggers.registry import CSV, make_logger

FILE = "loggers.json"  # in the folder of a run: the id of each logger's run
_ANEW = "resumed, the training begins other runs of its loggers"


class Loggers:
    """The loggers of a run.

    Args:
        names: of the loggers; `csv` is not among these and passed over.
        run: what they log.
    """

    def __init__(self, names: Sequence[str], run: LoggedRun) -> None:
        path = run.folder / FILE
        known = _known(path)
        self._loggers: dict[str, Logger] = {}
        for name in dict.fromkeys(names):
            if name != CSV:
                self._try(name, self._begin, name, replace(run, id=known.get(name)))
        ids = {name: logger.id for name, logger in self._loggers.items() if logger.id is not None}
        if ids and ids != known:
            _keep(path, {**known, **ids})

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers of a step with each."""
        for name, logger in list(self._loggers.items()):
            self._try(name, logger.numbers, step, numbers)

    def close(self, *, finished: bool) -> None:
        """End each."""
        for name, logger in list(self._loggers.items()):
            self._try(name, logger.close, finished=finished)

    def _begin(self, name: str, run: LoggedRun) -> None:
        self._loggers[name] = make_logger(name, run)

    def _try(self, name: str, call: Callable[..., None], *arguments: Any, **keywords: Any) -> None:
        try:
            call(*arguments, **keywords)
        except Exception as error:  # a logger may fail in any way at all, and the training is worth more
            self._loggers.pop(name, None)
            reason = one_line(error)[:200] or type(error).__name__
            say(f"warning: the logger {name} failed ({reason}); the training goes on without it", file=sys.stderr)


def _known(path: Path) -> dict[str, Any]:
    """The ids that an earlier part of the training has kept."""
    try:
        return read_json(path) if path.is_file() else {}
    except (OSError, DataError) as error:
        say(f"warning: {path} cannot be read ({one_line(error)}); {_ANEW}", file=sys.stderr)
        return {}


def _keep(path: Path, ids: Mapping[str, str]) -> None:
    try:
        write_json(path, ids)
    except (OSError, DataError) as error:
        say(f"warning: {path} cannot be written ({one_line(error)}); {_ANEW}", file=sys.stderr)
