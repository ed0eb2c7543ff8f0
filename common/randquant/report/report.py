"""A report: from what was named to the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import randquant
from randquant.cli.counted import counted
from randquant.errors import DataError
from randquant.report.comparison import comparisons, tasks_of
from randquant.report.encoders import side_by_side
from randquant.report.inputs import open_inputs
from randquant.report.page import page
from randquant.report.sections.accuracy import accuracy
from randquant.report.sections.differences import differences
from randquant.report.sections.provenance import provenance


@dataclass(frozen=True)
class Asked:
    """What a report is asked to show.

    Attributes:
        paths: results folders, JSON files of a probe, run folders.
        title: of the page; made of the encoders' names where None.
        probe: whose numbers are shown; the first that all have where None.
        seed: of the bootstrap and permutations.
    """

    paths: Sequence[str]
    title: str | None = None
    probe: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Made:
    """A report as made.

    Attributes:
        html: the page.
        about: what it shows, in words.
    """

    html: str
    about: str


def report(asked: Asked) -> Made:
    """Make the page.

    Raises:
        DataError: what was named is no results and no runs.
    """
    probed, runs = open_inputs(asked.paths)
    encoders = side_by_side(probed)
    if not encoders and not runs:
        raise DataError("there is nothing to report; name results folders, JSON files of a probe, or run folders.")
    tasks = tasks_of(encoders, asked.probe) if encoders else []
    sections = [
        accuracy(encoders, tasks) if encoders else None,
        differences(encoders, comparisons(encoders, tasks, seed=asked.seed)),
        provenance(encoders, runs),
    ]
    about = ", ".join(
        counted(len(each), things, thing)
        for each, things, thing in (
            (encoders, "encoders", "encoder"),
            (tasks, "tasks", "task"),
            (runs, "runs without results", "run without results"),
        )
        if each
    )
    names = [each.name for each in encoders] or [run.path.name for run in runs]
    title = asked.title or (
        names[0] if len(names) == 1 else f"{names[0]} and {counted(len(names) - 1, 'others', 'other')}"
    )
    made_by = f"Made by randquant {randquant.__version__}: python -m scripts.report {' '.join(asked.paths)}"
    html = page(title, f"{about}.", [each for each in sections if each is not None], [made_by])
    return Made(html, about)
