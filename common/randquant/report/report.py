"""A report: from what was named to the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import randquant
from randquant.cli.counted import counted
from randquant.errors import DataError
from randquant.maps.projection import Projection
from randquant.report.comparison import ReportedTask, comparisons, tasks_of
from randquant.report.encoders import ReportedEncoder, side_by_side
from randquant.report.examples import Examples, examples_of
from randquant.report.inputs import Run, open_inputs
from randquant.report.media.purse import Purse
from randquant.report.page import page
from randquant.report.section import Section
from randquant.report.sections.accuracy import accuracy
from randquant.report.sections.classes import classes
from randquant.report.sections.curves import curves
from randquant.report.sections.differences import differences
from randquant.report.sections.embeddings import embeddings
from randquant.report.sections.mistakes import mistakes
from randquant.report.sections.neighbours import neighbours
from randquant.report.sections.provenance import provenance

_MAPPED, _BYTES_A_POINT = 3_000, 120  # points of a map; about what one takes
_FIXED = 60_000  # bytes of style, script and the text around examples


@dataclass(frozen=True)
class Asked:
    """What a report is asked to show.

    Attributes:
        paths: results folders, JSON files of a probe, run folders.
        title: of the page; made of the encoders' names where None.
        probe: whose numbers are shown; the first that all have where None.
        seed: of the bootstrap, of permutations and of what is drawn at random.
        budget: bytes that the page may have.
        caches: folders of features, besides the default one.
        projection: of the map.
    """

    paths: Sequence[str]
    title: str | None = None
    probe: str | None = None
    seed: int = 0
    budget: int = 5_000_000
    caches: Sequence[Path] = ()
    projection: Projection = "auto"


@dataclass(frozen=True)
class Made:
    """A report as made.

    Attributes:
        html: the page.
        about: what it shows, in words.
        notes: what was left out, in sentences.
    """

    html: str
    about: str
    notes: list[str]


def report(asked: Asked, say: Callable[[str], None] = lambda step: None) -> Made:
    """Make the page.

    Args:
        asked: what is to be shown.
        say: is told each step.

    Raises:
        DataError: what was named is no results and no runs.
    """
    say("reading results")
    probed, runs = open_inputs(asked.paths)
    encoders = side_by_side(probed)
    if not encoders and not runs:
        raise DataError("there is nothing to report; name results folders, JSON files of a probe, or run folders.")
    tasks = tasks_of(encoders, asked.probe) if encoders else []
    say("comparing")
    written = [
        accuracy(encoders, tasks) if encoders else None,
        differences(encoders, comparisons(encoders, tasks, seed=asked.seed)),
        classes(tasks),
        curves(encoders, runs),
        provenance(encoders, runs),
    ]
    first, second, by_class, logs, origin = written
    left = asked.budget - _FIXED - sum(len(each.body.encode()) for each in written if each)
    say("finding examples")
    shown = [(task, found) for task in tasks if (found := examples_of(task, asked.caches)) is not None]
    wrong, near, lie, maps, notes = _examples(shown, left, asked, say)
    sections = [each for each in (first, second, wrong, by_class, near, lie, logs, origin) if each]
    about, names = _about(encoders, tasks, runs), [each.name for each in encoders] or [run.path.name for run in runs]
    more = f" and {counted(len(names) - 1, 'others', 'other')}" if len(names) > 1 else ""
    made_by = f"Made by randquant {randquant.__version__}: python -m scripts.report {' '.join(asked.paths)}"
    html = page(asked.title or f"{names[0]}{more}", f"{about}.", sections, [*notes, made_by], data={"maps": maps})
    if len(html.encode()) > asked.budget:
        notes.append("the page is larger than its budget without any example; name fewer results")
    return Made(html, about, notes)


def _examples(
    shown: Sequence[tuple[ReportedTask, Examples]], left: int, asked: Asked, say: Callable[[str], None]
) -> tuple[Section | None, Section | None, Section | None, list[object], list[str]]:
    """Mistakes, neighbours and maps within the bytes that are left; what maps draw, and what was left out."""
    say("drawing maps of embeddings")
    most = max(0, min(_MAPPED, left // 4 // _BYTES_A_POINT // max(1, len(shown))))
    lie, maps = embeddings(shown, asked.projection, most=most, seed=asked.seed) if most >= 5 else (None, [])
    left -= sum(_BYTES_A_POINT * most for _ in maps)
    say("collecting mistakes and neighbours")
    first, second = Purse(max(0, left) * 6 // 10), Purse(max(0, left) * 4 // 10)
    wrong = mistakes(shown, first)
    near = neighbours(shown, second, seed=asked.seed)
    refused = first.refused + second.refused
    notes = list(dict.fromkeys(said for _, examples in shown for said in examples.notes))
    if refused:
        notes.append(
            f"{counted(refused, 'examples')} did not fit into {asked.budget / 1e6:g} MB and are named only; --budget "
            "takes more."
        )
    if lie is None and any(each.features is not None for _, each in shown):
        notes.append("The map of embeddings did not fit; --budget takes more.")
    return wrong, near, lie, maps, notes


def _about(encoders: Sequence[ReportedEncoder], tasks: Sequence[ReportedTask], runs: Sequence[Run]) -> str:
    counts = (
        (encoders, "encoders", "encoder"),
        (tasks, "tasks", "task"),
        (runs, "runs without results", "run without results"),
    )
    return ", ".join(counted(len(each), things, thing) for each, things, thing in counts if each)
