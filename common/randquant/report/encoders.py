"""The encoders of a report side by side; trainings that differ in their seed alone are one encoder, by their mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from randquant.errors import DataError
from randquant.files.json_record import Json
from randquant.probes.outcome import repeats_half_width
from randquant.report.inputs import Probed
from randquant.report.modality import Reported
from randquant.results.arms.arm import over_seeds
from randquant.results.compare import ComparedRun
from randquant.results.predictions import Answers
from randquant.results.record import ChangeScore, Result
from randquant.weights.named_encoder import untrained_name

# Of a training's settings: they say which repeat it is and where it was written, not what was done.
OF_A_REPEAT = ("seed", "out", "log_every", "checkpoint_every", "monitor_every", "snapshot_every", "workers")


class SeedMean(ComparedRun):
    """Results of several trainings of one kind as those of one run: means of accuracy, answers as repeats."""

    def __init__(self, name: str, runs: Sequence[ComparedRun]) -> None:
        tasks = [task for task in runs[0].tasks if all(task in run.tasks for run in runs)]
        super().__init__(name, {task: _mean([run.tasks[task] for run in runs]) for task in tasks}, runs[0].report)
        self.runs = runs

    def answers(self, task: str) -> Answers | None:
        """As in `ComparedRun`: each training's answers are a repeat."""
        found = [run.answers(task) for run in self.runs]
        held = [each for each in found if each is not None]
        if len(held) < len(found):
            return None
        try:
            return over_seeds(held)
        except ValueError as error:
            raise DataError(f"{task}: {error} in {self.name}.") from None


@dataclass(frozen=True)
class ReportedEncoder:
    """One encoder of a report.

    Attributes:
        name: short, and no other's.
        trainings: the results of it, one a seed of its training.
    """

    name: str
    trainings: Sequence[Probed]

    @property
    def modality(self) -> Reported:
        """Of its data."""
        return self.trainings[0].modality

    @property
    def seeds(self) -> int:
        """How many trainings it is the mean of."""
        return len(self.trainings)

    def probes(self) -> list[str]:
        """That every training was asked, in order."""
        asked = [list(dict.fromkeys(each.probe for each in probed.results)) for probed in self.trainings]
        return [probe for probe in asked[0] if all(probe in others for others in asked)]

    def of(self, probe: str) -> ComparedRun:
        """Its results of one probe."""
        runs = [each.of(probe) for each in self.trainings]
        return replace(runs[0], name=self.name) if len(runs) == 1 else SeedMean(self.name, runs)


def side_by_side(probed: Sequence[Probed]) -> list[ReportedEncoder]:
    """The encoders, in the order in which they were first named."""
    groups: dict[object, list[list[Probed]]] = {}
    for place, each in enumerate(probed):
        held = groups.setdefault(_training(each) or place, [])
        for group in held:
            if _seed(each) not in map(_seed, group):
                group.append(each)
                break
        else:
            held.append([each])
    listed = [group for held in groups.values() for group in held]
    names = distinct([_name(group) for group in listed], [group[0].modality.kind for group in listed])
    return [ReportedEncoder(name, group) for name, group in zip(names, listed, strict=True)]


def distinct(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Names that are no other's: of those that occur twice, with the kind of data, and a number where it is equal too.

    >>> distinct(["a", "b", "b", "c", "c"], ["audio", "audio", "tables", "audio", "audio"])
    ['a', 'b (audio)', 'b (tables)', 'c (audio 1)', 'c (audio 2)']
    """
    pairs = list(zip(names, kinds, strict=True))
    found = []
    for place, (name, kind) in enumerate(pairs):
        number = f" {pairs[: place + 1].count((name, kind))}" if pairs.count((name, kind)) > 1 else ""
        found.append(name if names.count(name) == 1 else f"{name} ({kind}{number})")
    return found


def _seed(probed: Probed) -> Json:
    first = probed.results[0]
    return first.checkpoint.metadata.get("seed", first.seed)


def _training(probed: Probed) -> str | None:
    """What trainings that may be averaged share; None where too little is known of this one."""
    first = probed.results[0]
    asked = repr((sorted((each.task, each.probe, each.protocol.name) for each in probed.results), _conditions(first)))
    if untrained_name(first.checkpoint.path) is not None:
        return f"{first.checkpoint.path} {asked}"
    if probed.run is None or not probed.run.settings:
        return None
    settings = {name: value for name, value in probed.run.settings.items() if name not in OF_A_REPEAT}
    return f"{sorted(settings.items())!r} {first.checkpoint.metadata.get('step')} {asked}"


def _conditions(result: Result) -> Mapping[str, Json]:
    """What was taken of the data."""
    held = {"unit_seconds", "layer", "points", "order", "renormalise", "image_size", "share", "columns"}
    return {name: value for name, value in sorted(result.to_json().items()) if name in held}


def _name(group: Sequence[Probed]) -> str:
    first = group[0]
    name = Path(first.path).stem if first.path.endswith(".json") else Path(first.path).resolve().name
    if len(group) == 1:
        return name
    return re.sub(rf"[-_ .]*(seed)?[-_ =]*{re.escape(str(_seed(first)))}$", "", name) or name


def _mean(results: Sequence[Result]) -> Result:
    """The mean of the same task over trainings; ± is over them."""
    accuracies = [each.accuracy for each in results]
    bounds = [each.ci95_items for each in results if len(each.ci95_items) == 2]
    recalls = [each.macro_recall for each in results if each.macro_recall is not None]
    valid = [each.valid_accuracy for each in results if each.valid_accuracy is not None]
    return replace(
        results[0],
        accuracy=float(np.mean(accuracies)),
        accuracies=accuracies,
        ci95=repeats_half_width(accuracies),
        ci95_items=np.mean(bounds, axis=0).tolist() if len(bounds) == len(results) else [],
        macro_recall=float(np.mean(recalls)) if len(recalls) == len(results) else None,
        valid_accuracy=float(np.mean(valid)) if len(valid) == len(results) else None,
        robustness=_mean_changes(results),
    )


def _mean_changes(results: Sequence[Result]) -> list[ChangeScore] | None:
    """The mean under each change that all trainings were asked about."""
    by_name = [{each.name: each for each in result.robustness or ()} for result in results]
    shared = [name for name in by_name[0] if all(name in others for others in by_name)]
    means = {name: float(np.mean([scores[name].accuracy for scores in by_name])) for name in shared}
    return [replace(by_name[0][name], accuracy=means[name], predictions_sha256=None) for name in shared] or None
