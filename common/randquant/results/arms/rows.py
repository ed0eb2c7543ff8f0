"""Arms of several trainings, on clean and on changed test items: means over seeds, and paired differences of two arms.

Trainings are told apart by the names of their results folders, such as "sound-rq-42": what was trained on, with dashes
or without, then the arm, then the seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from randquant.errors import DataError, UsageError
from randquant.probes.registry import now_called
from randquant.results.arms.arm import Arm, Change, changes, over_seeds
from randquant.results.compare import ComparedRun, open_run, read_results
from randquant.results.predictions import Answers

CLEAN, EVERY = "clean", "every change"

Trainings = dict[str, dict[str, list[str]]]  # group -> arm -> folders, one a seed


@dataclass(frozen=True)
class Pair:
    """Two arms to compare: `arm` against `base`."""

    arm: str
    base: str

    def __str__(self) -> str:
        return f"{self.arm} - {self.base}"


@dataclass(frozen=True)
class ArmRow:
    """What the arms score when one thing is asked.

    Attributes:
        group: what was trained on.
        task, probe: that the arms answered.
        change: of the test items: "clean", a kind, or "every change".
        arms: by name.
        differences: one a pair, in accuracy.
    """

    group: str
    task: str
    probe: str
    change: str
    arms: Mapping[str, Arm]
    differences: Sequence[Change]


def grouped(paths: Sequence[str], arms: Sequence[str]) -> Trainings:
    """The results folders of each group and arm, by seed.

    Raises:
        UsageError: a folder names no arm or several, or a group has other seeds in one arm than in another.
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in paths:
        parts = Path(path).resolve().name.split("-")
        named = [place for place, part in enumerate(parts) if part in arms]
        if len(named) != 1:
            raise UsageError(
                f"{path} should name one of the arms {', '.join(arms)} between dashes, as sound-{arms[0]}-42 does; "
                "rename it or leave it out."
            )
        group, seed = "-".join(parts[: named[0]]), "-".join(parts[named[0] + 1 :])
        found.setdefault(group, {arm: {} for arm in arms})[parts[named[0]]][seed] = path
    for group, by_arm in found.items():
        seeds = {arm: sorted(by_seed) for arm, by_seed in by_arm.items()}
        if len({*map(tuple, seeds.values())}) > 1:
            held = "; ".join(f"{arm}: {', '.join(each) or 'none'}" for arm, each in seeds.items())
            raise UsageError(f"the arms of {group or 'the results'} have other seeds ({held}); give each the same.")
    return {
        group: {arm: [by_seed[seed] for seed in sorted(by_seed)] for arm, by_seed in by_arm.items()}
        for group, by_arm in found.items()
    }


def arm_rows(
    trainings: Trainings, probes: Sequence[str], pairs: Sequence[Pair], *, by_kind: bool = True, seed: int = 0
) -> list[ArmRow]:
    """A row for each task, probe, and kind of change; a probe that was not asked in a group has none.

    Args:
        trainings: as `grouped` gives them.
        probes: in the order of the rows.
        pairs: of arms.
        by_kind: a row for each kind of change, all its severities together, besides one for every change.
        seed: of the bootstrap and of the permutations.

    Raises:
        DataError: a group has none of the probes, keeps no predictions, or answered other test items.
    """
    return [
        row for group, by_arm in trainings.items() for row in _of_group(group, by_arm, probes, pairs, by_kind, seed)
    ]


def _of_group(
    group: str,
    by_arm: Mapping[str, Sequence[str]],
    probes: Sequence[str],
    pairs: Sequence[Pair],
    by_kind: bool,
    seed: int,
) -> Iterator[ArmRow]:
    paths = [path for each in by_arm.values() for path in each]
    opened = {probe: _opened(by_arm, probe) for probe in probes if _all_have(paths, probe)}
    if not opened:
        raise DataError(f"{paths[0]} and the others hold no probe of {', '.join(probes)}; choose another --probe.")
    first = {probe: next(iter(runs.values()))[0] for probe, runs in opened.items()}
    for task in dict.fromkeys(task for run in first.values() for task in run.tasks):
        for probe, runs in opened.items():
            for change, asked in _asked(first[probe], task, by_kind).items():
                arms = {arm: _arm(arm, each, asked) for arm, each in runs.items()}
                tests = [changes(arms[pair.base], [arms[pair.arm]], seed=seed)[0] for pair in pairs]
                yield ArmRow(group, task, probe, change, arms, tests)


def _all_have(paths: Sequence[str], probe: str) -> bool:
    return all(any(now_called(each.probe) == now_called(probe) for each in read_results(path)[1]) for path in paths)


def _opened(by_arm: Mapping[str, Sequence[str]], probe: str) -> dict[str, list[ComparedRun]]:
    return {arm: [open_run(path, probe) for path in paths] for arm, paths in by_arm.items()}


def _asked(run: ComparedRun, task: str, by_kind: bool) -> dict[str, list[str]]:
    """The tasks whose answers count together, by what they are of."""
    asked = {CLEAN: [task]}
    scores = run.tasks[task].robustness or []
    names = [each.task for each in run.tasks[task].on_changed()]
    for score, name in zip(scores, names, strict=True):
        if by_kind:
            asked.setdefault(score.kind, []).append(name)
    return asked | ({EVERY: names} if names else {})


def _arm(name: str, runs: Sequence[ComparedRun], asked: Sequence[str]) -> Arm:
    answers, accuracies = [], []
    for run in runs:
        results = run.with_changed()
        absent = next((task for task in asked if task not in results.tasks), None)
        if absent is not None:
            raise DataError(f"{run.name} has no result of {absent}; probe all with the same --task and --robustness.")
        held = [results.answers(task) for task in asked]
        known: list[Answers] = [each for each in held if each is not None]
        if len(known) < len(held):
            raise DataError(f"{run.name} keeps no predictions of {asked[0]}; probe again with --out FOLDER/.")
        answers.append(over_seeds(known))
        accuracies.append(float(np.mean([results.tasks[task].accuracy for task in asked])))
    return Arm(name, "", accuracies, answers)
