"""What the sections of a report are made of: each task with the encoders that were probed on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from randquant.errors import DataError
from randquant.probes.outcome import R2
from randquant.report.encoders import ReportedEncoder
from randquant.report.modality import Reported
from randquant.results.compare import ComparedRun, Difference, compare
from randquant.results.predictions import Answers
from randquant.results.record import Result


@dataclass
class Candidate:
    """One encoder on one task.

    Attributes:
        number: of the encoder, which is its colour.
        encoder: which.
        result: of the task's probe; the mean over trainings.
        answers: to the test items; None where there are none.
        missing: why there are none, in a sentence.
    """

    number: int
    encoder: ReportedEncoder
    result: Result
    answers: Answers | None = None
    missing: str = ""


@dataclass
class ReportedTask:
    """One task of a report.

    Attributes:
        name: of the task.
        probe: whose numbers are shown and compared: the first that all its encoders were asked.
        modality: of its data.
        candidates: the encoders that were probed on it.
    """

    name: str
    probe: str
    modality: Reported
    candidates: list[Candidate] = field(default_factory=list)

    @property
    def of_numbers(self) -> bool:
        """Whether numbers are predicted, so that no answer is right or wrong."""
        return self.candidates[0].result.measure == R2

    def answered(self) -> list[Candidate]:
        """The encoders whose answers are known, the most accurate first."""
        known = [each for each in self.candidates if each.answers is not None and len(each.answers.ids)]
        return sorted(known, key=lambda each: -each.result.accuracy)


@dataclass(frozen=True)
class Compared:
    """An encoder against the first of its modality that shares a task with it.

    Attributes:
        first, other: the encoders.
        difference: with its significance; None where it cannot be told.
        problem: why, in a sentence.
    """

    first: ReportedEncoder
    other: ReportedEncoder
    difference: Difference | None
    problem: str = ""


class _OfTasks(ComparedRun):
    """The results of one encoder on all tasks, whose answers were read already."""

    def __init__(self, name: str, found: Sequence[tuple[str, Candidate]]) -> None:
        super().__init__(name, {task: each.result for task, each in found}, None)
        self.found = dict(found)

    def answers(self, task: str) -> Answers | None:
        """As in `ComparedRun`."""
        return self.found[task].answers


def tasks_of(encoders: Sequence[ReportedEncoder], probe: str | None = None) -> list[ReportedTask]:
    """The tasks in the order in which they occur.

    Args:
        encoders: of the report.
        probe: to show; the first that all encoders of a task were asked where None.

    Raises:
        DataError: no encoder was asked that probe.
    """
    names = list(dict.fromkeys((each.modality.kind, task) for each in encoders for task in _tasks(each)))
    found = []
    for kind, name in names:
        asked = [(number, each) for number, each in enumerate(encoders) if each.modality.kind == kind]
        shown = _probe([each for _, each in asked], name, probe)
        if shown is not None:
            task = ReportedTask(name, shown, asked[0][1].modality)
            task.candidates = [
                _candidate(number, each, name, shown) for number, each in asked if name in each.of(shown).tasks
            ]
            found.append(task)
    if not found:
        held = ", ".join(dict.fromkeys(name for each in encoders for name in each.probes()))
        raise DataError(f"no results of the probe {probe} are there (there are: {held}); choose another --probe.")
    return found


def comparisons(encoders: Sequence[ReportedEncoder], tasks: Sequence[ReportedTask], *, seed: int) -> list[Compared]:
    """Each encoder against the first of its modality that shares a task with it, by right and wrong answers."""
    runs = {
        number: _OfTasks(
            encoder.name,
            [
                (task.name, each)
                for task in tasks
                if not task.of_numbers
                for each in task.candidates
                if each.number == number
            ],
        )
        for number, encoder in enumerate(encoders)
    }
    pairs = []
    for number, other in enumerate(encoders):
        shared = (
            first
            for first in range(number)
            if encoders[first].modality is other.modality and runs[first].tasks.keys() & runs[number].tasks.keys()
        )
        first = next(shared, None)
        if first is not None:
            pairs.append((first, number))
    return [_compared(encoders[one], encoders[other], runs[one], runs[other], seed) for one, other in pairs]


def _compared(
    first: ReportedEncoder, other: ReportedEncoder, one: ComparedRun, two: ComparedRun, seed: int
) -> Compared:
    try:
        return Compared(first, other, compare([one, two], seed=seed)[0])
    except DataError as error:
        return Compared(first, other, None, str(error))


def _tasks(encoder: ReportedEncoder) -> list[str]:
    return list(dict.fromkeys(task for probe in encoder.probes() for task in encoder.of(probe).tasks))


def _probe(encoders: Sequence[ReportedEncoder], task: str, wanted: str | None) -> str | None:
    """The first probe that all encoders with that task have; else the first of any."""
    asked = [[probe for probe in each.probes() if task in each.of(probe).tasks] for each in encoders]
    asked = [probes for probes in asked if probes and (wanted is None or wanted in probes)]
    if wanted is not None:
        return wanted if asked else None
    return next((probe for probe in asked[0] if all(probe in probes for probes in asked)), asked[0][0])


def _candidate(number: int, encoder: ReportedEncoder, task: str, probe: str) -> Candidate:
    run = encoder.of(probe)
    found = Candidate(number, encoder, run.tasks[task])
    try:
        found.answers = run.answers(task)
    except DataError as error:
        found.missing = str(error)
    except ValueError as error:
        found.missing = f"{error}."
    if found.answers is None and not found.missing:
        found.missing = "A JSON file holds no predictions: probe with --out FOLDER/ to keep them."
    return found
