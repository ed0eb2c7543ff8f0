"""Compare runs: per task the difference to the first run, with its significance."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from randquant.errors import DataError
from randquant.files.atomic import read_json
from randquant.files.json_record import Json
from randquant.probes.outcome import R2
from randquant.probes.registry import now_called
from randquant.results.folder import Report, read_report
from randquant.results.predictions import Answers, answers
from randquant.results.record import Result, from_file
from randquant.results.significance import Paired, holm, mean_interval, paired

# What should be the same in two runs for their difference to be the encoders'.
_CONDITIONS = {
    "protocol": ("protocol", "name"),
    "clip length": ("unit_seconds",),
    "points": ("points",),
    "order of points": ("order",),
    "probe": ("probe",),
    "penalties": ("settings", "penalties"),
    "standardised features": ("settings", "standardise"),
    "store": ("store", "content_hash"),
    "statistics": ("statistics", "source"),
    "precision": ("precision",),
}

_ROUNDING = 1e-6  # of a mean in another order


@dataclass
class ComparedRun:
    """One run's results of one probe.

    Attributes:
        name: as typed.
        tasks: its results.
        report: the results folder they are from; None for a JSON file, which has no predictions.
    """

    name: str
    tasks: dict[str, Result]
    report: Report[Result] | None

    def answers(self, task: str) -> Answers | None:
        """The predictions of a task; None if the run has none.

        Raises:
            DataError: they are another run's, or score something else than the accuracy that is stated.
        """
        if self.report is None:
            return None
        if self.tasks[task].predictions_sha256 is None:  # of changed items, by an earlier version
            return None
        found = answers(self.report.predictions(self.tasks[task]))
        _require_accuracy(self.report.path / "results.json", self.tasks[task], found)
        return found

    def with_changed(self) -> "ComparedRun":
        """The same with the results on changed test items as tasks of their own."""
        every = [each for result in self.tasks.values() for each in (result, *result.on_changed())]
        return ComparedRun(self.name, {each.task: each for each in every}, self.report)


@dataclass
class TaskDifference:
    """One run against the first on one task.

    Attributes:
        task: its name.
        difference: of the accuracies, in [-1, 1].
        paired: its significance; None where a run keeps no predictions.
        p_holm: p adjusted for the number of tasks.
        warnings: conditions in which the runs differ, in words.
    """

    task: str
    difference: float
    paired: Paired | None
    p_holm: float | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass
class Difference:
    """One run against the first.

    Attributes:
        run: its name.
        tasks: those that both have.
        mean: mean difference over `tasks`, None where there are fewer than two.
        mean_interval: its 95 % interval; None where a task has none.
    """

    run: str
    tasks: list[TaskDifference]
    mean: float | None
    mean_interval: tuple[float, float] | None


def open_run(path: str, probe: str) -> ComparedRun:
    """The results of one probe in a results folder or in a JSON file.

    Raises:
        DataError: there are none.
    """
    report, results = read_results(path)
    held = sorted(results, key=lambda result: result.probe == now_called(result.probe))  # today's name wins
    found = {result.task: result for result in held if now_called(result.probe) == now_called(probe)}
    tasks = {result.task: found[result.task] for result in results if result.task in found}
    numbers = [task for task, result in tasks.items() if result.measure == R2]
    if numbers:
        raise DataError(
            f"{path} predicts a number in {', '.join(numbers)} ({probe}), but only right and wrong answers are "
            "compared; leave it out, or look at the intervals of its R²."
        )
    if not tasks:
        names = ", ".join(dict.fromkeys(result.probe for result in results)) or "none"
        raise DataError(f"{path} holds no results of the probe {probe} (it holds: {names}); choose another --probe.")
    return ComparedRun(path, tasks, report)


def shared_probe(paths: Sequence[str]) -> str:
    """The first probe of the first results that all others have too.

    Raises:
        DataError: there is none.
    """
    held = [list(dict.fromkeys(now_called(result.probe) for result in read_results(path)[1])) for path in paths]
    found = next((probe for probe in held[0] if all(probe in others for others in held)), None)
    if found is None:
        described = "; ".join(f"{path}: {', '.join(names)}" for path, names in zip(paths, held, strict=True))
        raise DataError(f"the results share no probe ({described}); run the same probe on each.")
    return found


def read_results(path: str) -> tuple[Report[Result] | None, Sequence[Result]]:
    """All that a results folder, or a JSON file of a probe, holds; and the folder, which has the predictions.

    Raises:
        DataError: it holds something else.
    """
    if Path(path).is_dir():
        report = read_report(path)
        return report, report.results
    try:
        return None, from_file(read_json(path))
    except ValueError:
        raise DataError(f"{path} holds no probe results; give a results folder or a JSON file of a probe.") from None


def compare(runs: Sequence[ComparedRun], *, seed: int = 0) -> list[Difference]:
    """Each further run against the first.

    Args:
        runs: two or more.
        seed: of the bootstrap and the permutations.

    Raises:
        DataError: the runs share no task, or were scored on other test items.
    """
    first = runs[0]
    return [_against(first, run, seed) for run in runs[1:]]


def _against(first: ComparedRun, run: ComparedRun, seed: int) -> Difference:
    shared = [task for task in first.tasks if task in run.tasks]
    if not shared:
        raise DataError(
            f"{first.name} ({', '.join(first.tasks)}) and {run.name} ({', '.join(run.tasks)}) share no task; "
            "probe both on the same ones."
        )
    tasks = [_task(first, run, task, seed) for task in shared]
    tested = [each for each in tasks if each.paired is not None]
    adjusted = holm([each.paired.p for each in tested if each.paired is not None])
    for each, p in zip(tested, adjusted, strict=True):
        each.p_holm = p
    mean = float(np.mean([each.difference for each in tasks])) if len(tasks) > 1 else None
    return Difference(run.name, tasks, mean, _mean_interval(tasks))


def _task(first: ComparedRun, run: ComparedRun, task: str, seed: int) -> TaskDifference:
    one, other = first.tasks[task], run.tasks[task]
    result = TaskDifference(task, other.accuracy - one.accuracy, None, warnings=_warnings(one, other))
    mine, theirs = first.answers(task), run.answers(task)
    if mine is None or theirs is None:
        return result
    try:
        # Another stream for each task, or the mean over tasks would be drawn from dependent ones.
        generator = torch.Generator().manual_seed(seed + zlib.crc32(task.encode()))
        result.paired = paired(mine, theirs, generator=generator)
    except ValueError as error:
        raise DataError(
            f"{task}: {error} in {first.name} and {run.name}, so they cannot be compared item by item; probe both on "
            "the same store, or leave the task out with --task."
        ) from None
    return result


def _require_accuracy(path: Path, result: Result, found: Answers) -> None:
    """Check a stated accuracy against the predictions; episodes of several sizes are not checked."""
    if not result.counts or not len(found.labels):
        return
    right, folds = found.right, np.array(found.folds, dtype=object)
    # Folds weigh the same, however many items they have.
    counted = float(np.mean([right[:, folds == fold].mean() for fold in dict.fromkeys(found.folds)]))
    if abs(counted - result.accuracy) > _ROUNDING:
        raise DataError(
            f"{path} contradicts itself: it states an accuracy of {result.accuracy:.4f} on {result.task}, its "
            f"predictions score {counted:.4f}; run that probe again."
        )


def _mean_interval(tasks: Sequence[TaskDifference]) -> tuple[float, float] | None:
    draws = [each.paired.draws for each in tasks if each.paired is not None]
    if len(tasks) < 2 or len(draws) < len(tasks):
        return None
    return mean_interval(draws)


def _warnings(one: Result, other: Result) -> list[str]:
    differing = []
    for name, keys in _CONDITIONS.items():
        mine, theirs = _found(one.to_json(), keys), _found(other.to_json(), keys)
        if mine != theirs:
            differing.append(f"{name}: {_short(mine)} against {_short(theirs)}")
    return differing


def _found(value: Json, keys: Sequence[str]) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _short(value: Json) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text  # a hash is known by its first digits
