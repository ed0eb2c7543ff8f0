"""The interface of a logger, and what is known of the run that it logs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = "randquant"  # or experiment, where the tool's own environment variable names none


@dataclass(frozen=True)
class LoggedRun:
    """A training as a logger sees it.

    Attributes:
        folder: of the run.
        start: step it goes on from, 0 of a new one.
        settings: of the training, JSON values.
        id: of the logger's run, as an earlier start of the same training kept it; None where there was none.
    """

    folder: Path
    start: int
    settings: Mapping[str, Any]
    id: str | None = None

    @property
    def name(self) -> str:
        """What people call the run: its folder."""
        return self.folder.resolve().name


class Logger(ABC):
    """Takes the numbers of a training. Its constructor takes a `LoggedRun` and begins, or goes on with, a run.

    Attributes:
        id: by which a resumed training continues the same run; None where the folder is enough.
    """

    id: str | None = None

    @abstractmethod
    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers of a step."""

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """End; `finished` where the training came to its last step."""
