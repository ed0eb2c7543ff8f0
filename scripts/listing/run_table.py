"""The table of a list of runs: one line a run, one column a setting that differs and a task that was probed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randquant.cli.clock import clock
from randquant.errors import UsageError
from randquant.results.text_table import shortened
from randquant.scripts.listing.below import Found
from randquant.scripts.listing.best_numbers import Number, numbers_of
from randquant.scripts.listing.run_entry import RunEntry
from randquant.training.free_settings import FREE_SETTINGS

# Those that change no result are left out but for the data, which another place may hold in another version.
_ASIDE = (FREE_SETTINGS - {"data"}) | {"seed"}


@dataclass(frozen=True)
class Line:
    """One run with its best numbers by task."""

    run: RunEntry
    numbers: Mapping[str, Number]


class RunTable:
    """The runs below a folder as a table.

    Args:
        folder: that was searched.
        found: what lies there.

    Attributes:
        settings: names of those that differ, in the order of the first run that has them.
        tasks: that results of any run are of.
    """

    def __init__(self, folder: Path, found: Found) -> None:
        self._folder = folder
        classes = {name for name, _ in found.numbers}
        self._lines = [Line(run, numbers_of(run, found.numbers, classes)) for run in found.runs]
        self.settings = differing([run.settings for run in found.runs])
        self.tasks = sorted({task for line in self._lines for task in line.numbers})

    @property
    def header(self) -> list[str]:
        """The titles of the columns."""
        return ["run", "state", "time", "seed", *self.settings, *self.tasks]

    def sort(self, column: str) -> None:
        """Sort by a column: numbers of tasks with the best first, all else rising; runs without a value come last.

        Raises:
            UsageError: there is no such column.
        """
        if column not in self.header:
            raise UsageError(f"--sort {column} is no column of this table; it has {', '.join(self.header)}.")
        sign = -1 if column in self.tasks else 1

        def key(line: Line) -> tuple[bool, bool, float, str]:
            value = self._value(line, column)
            is_number = isinstance(value, int | float)
            return value is None, not is_number, sign * value if is_number else 0.0, str(value)

        self._lines.sort(key=key)

    def cells(self) -> list[list[str]]:
        """One row a run, for a terminal."""
        return [
            [_shown(self._value(line, name), name) + self._probe(line, name) for name in self.header]
            for line in self._lines
        ]

    def csv_rows(self) -> list[list[object]]:
        """Titles and rows with all digits: times in seconds, and a column for the probe of each task's number."""
        probes = [f"{task} probe" for task in self.tasks]
        rows: list[list[object]] = [[*("seconds" if name == "time" else name for name in self.header), *probes]]
        for line in self._lines:
            values = [_plain(self._value(line, name)) for name in self.header]
            rows.append([*values, *(self._probe(line, task).strip() for task in self.tasks)])
        return rows

    def _value(self, line: Line, column: str) -> Any:
        run = line.run
        if column in self.tasks:
            return line.numbers[column].value if column in line.numbers else None
        own = {"run": self._name(run), "state": run.state, "time": run.seconds}
        return own[column] if column in own else run.settings.get(column)

    def _probe(self, line: Line, column: str) -> str:
        return f" {line.numbers[column].probe}" if column in line.numbers else ""

    def _name(self, run: RunEntry) -> str:
        return str(run.path.relative_to(self._folder)) if run.path != self._folder else run.path.resolve().name


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that have more than one value among the runs that have them.

    >>> differing([{"steps": 1, "d": 8, "seed": 1}, {"steps": 2, "d": 8, "k": 3, "seed": 2}])
    ['steps']
    """
    values: dict[str, set[str]] = {}
    for each in settings:
        for name, value in each.items():
            values.setdefault(name, set()).add(repr(value))
    return [name for name, known in values.items() if len(known) > 1 and name not in _ASIDE]


def _plain(value: Any) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _shown(value: Any, column: str) -> str:
    if value is None:
        return "-"
    if column == "run":
        return str(value)
    if column == "time":
        return clock(value)
    return f"{value:.4g}" if isinstance(value, float) else shortened(_plain(value))
