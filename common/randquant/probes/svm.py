"""Linear support vector solvers on frozen features, the usual measure of point-cloud encoders.

Published numbers choose C on the test set or leave it unsaid. Here it is chosen on folds of the training items, or on
the validation split where the data name one, and never on test.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Items
from randquant.errors import DataError
from randquant.probes.items.arrangement import Device, TaskFeatures, arrange, first_of
from randquant.probes.items.folds import stratified_folds
from randquant.probes.items.splits import Assignment, assignments
from randquant.probes.outcome import Details, Outcome, not_converged, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.solvers.linear_svm import GramSolver, LinearSolver, Solver

Kind = Literal["svm", "linear_svc"]

# Beyond the largest, standardised features are mostly separated, and nothing changes any more.
STRENGTHS: dict[Kind, tuple[float, ...]] = {
    "svm": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0),
    "linear_svc": (1e-4, 1e-3, 1e-2, 0.1),  # each is a fit of its own
}
MOST_ITEMS = 25_000  # whose inner products, 5 GB, fit into memory with the rest


@dataclass(frozen=True)
class SvmSettings:
    """The kind of SVM, and the candidates tried on validation.

    Attributes:
        kind: "svm", one-vs-one with hinge loss as `sklearn.svm.SVC(kernel="linear")`, or "linear_svc", one-vs-rest with
            squared hinge loss as `sklearn.svm.LinearSVC`, which is another classifier of much the same accuracy.
        strengths: values of C, ascending; one of them is taken as it is, of several the best is chosen. None means
            those of `STRENGTHS`.
        standardise: bring each feature to mean 0 and deviation 1 over the items fitted on.
        folds: of the training items that C is chosen on, where the data name no validation split.
        repeats: choices of C, on folds drawn with seeds seed, seed + 1, ...
    """

    kind: Kind = "svm"
    strengths: tuple[float, ...] | None = None
    standardise: bool = True
    folds: int = 5
    repeats: int = 3

    def __post_init__(self) -> None:
        if not self.tried or min(self.tried) <= 0:
            raise ValueError(f"strengths need at least one value, all above 0, got {self.strengths}")
        if list(self.tried) != sorted(set(self.tried)):
            raise ValueError(f"strengths need to ascend, got {self.strengths}")
        if self.folds < 2:
            raise ValueError(f"folds needs to be at least 2, got {self.folds}")
        if self.repeats < 1:
            raise ValueError(f"repeats needs to be at least 1, got {self.repeats}")

    @property
    def tried(self) -> tuple[float, ...]:
        """The values of C."""
        return STRENGTHS[self.kind] if self.strengths is None else self.strengths


@dataclass(frozen=True, kw_only=True)
class SvmDetails(Details):
    """How C was chosen.

    Attributes:
        strengths: C by repeat.
        sweep: the validation accuracy of every C; None where one was given.
        unfinished: values of C whose fits ran out of passes.
    """

    strengths: list[float]
    sweep: list[dict[str, float]] | None = None
    unfinished: list[float] = field(default_factory=list)

    @property
    def how(self) -> str:
        """In words."""
        name = "SVM" if self.settings["probe"] == "svm" else "LinearSVC"
        chosen = f", chosen on {self.validation}" if self.sweep else ""
        scaled = "" if self.settings["standardise"] else ", not standardised"
        ended = not_converged("C", self.unfinished)
        return f"by {name}, C {' or '.join(f'{one:g}' for one in sorted(set(self.strengths)))}{chosen}{scaled}{ended}"


def evaluate(
    features: TaskFeatures, settings: SvmSettings = SvmSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[SvmDetails]:
    """Accuracy of a linear SVM with C chosen for all folds together, fitted on all of train.

    Arguments are those of `randquant.probes.probe.Evaluate`; repeats that choose the same C give the same answers.

    Raises:
        DataError: the features cannot be probed (`randquant.probes.items.splits.assignments`), a class has fewer items
            than there are folds, or there are too many items for a matrix of inner products.
    """
    started = time.perf_counter()
    tasks = require(first_of(features).items, settings)
    arrangement = arrange(features, tasks, device, standardised=False)
    make = GramSolver if settings.kind == "svm" else LinearSolver
    solvers = [make(arrangement.x, part, standardise=settings.standardise) for part in arrangement.parts]
    seeds = [seed + repeat for repeat in range(settings.repeats)]
    items, valid = first_of(features).items, None
    if len(settings.tried) > 1:  # (S, P) accuracy on what is held out of train, the mean over assignments
        pairs = zip(solvers, tasks, strict=True)
        valid = np.mean([_held_out(solver, task, items, settings, seeds) for solver, task in pairs], axis=0)
    chosen = np.zeros(len(seeds), dtype=np.int64) if valid is None else valid.argmax(axis=1)  # the first of equals
    predictions = [
        _answers(solver, task, [settings.tried[place] for place in chosen])
        for solver, task in zip(solvers, tasks, strict=True)
    ]
    chosen_on = "the valid split" if tasks[0].valid is not None else f"{settings.folds} folds of train"
    details = SvmDetails(
        strengths=[settings.tried[place] for place in chosen],
        valid_accuracy=None if valid is None else float(valid.max(axis=1).mean()),
        validation="nothing is chosen" if valid is None else chosen_on,
        sweep=None if valid is None else tried("strength", settings.tried, valid.mean(axis=0)),
        unfinished=sorted(set[float]().union(*(solver.unfinished for solver in solvers))),
        seeds=seeds,
        settings={"probe": settings.kind, **asdict(settings), "strengths": list(settings.tried)},
    )
    fitted = partial(solvers[0].classifier, tasks[0].train, settings.tried[chosen[0]])
    return outcome_of(settings.kind, items, tasks, predictions, details, started=started, fitted=fitted)


def require(items: Items, settings: SvmSettings = SvmSettings()) -> list[Assignment]:
    """Refuse items that cannot be probed, before anything is computed.

    Returns:
        Their assignments.

    Raises:
        DataError: as `evaluate`.
    """
    tasks = assignments(items)
    most = max(len(task.train) for task in tasks)
    if settings.kind == "svm" and most > MOST_ITEMS:
        raise DataError(
            f"the probe svm holds the inner products of all pairs of {most:,} training items, and takes at most "
            f"{MOST_ITEMS:,} items; ask linear_svc or ridge instead."
        )
    if len(settings.tried) > 1:
        for task in tasks:
            if task.valid is None:
                _folds(task, items, settings, seed=0)
    return tasks


def _folds(task: Assignment, items: Items, settings: SvmSettings, *, seed: int) -> NDArray[np.int64]:
    """(n,) fold of each training item."""
    groups = [items.groups[row] for row in task.train]
    return stratified_folds(task.targets[task.train], groups, settings.folds, seed=seed, classes=task.classes)


def _held_out(
    solver: Solver, task: Assignment, items: Items, settings: SvmSettings, seeds: Sequence[int]
) -> NDArray[np.float64]:
    if task.valid is not None:
        found = solver.predict(task.train, task.valid, settings.tried)
        return np.tile((found == task.targets[task.valid]).mean(axis=1), (len(seeds), 1))
    solver.share(task.train)
    every = []
    for seed in seeds:
        folds = _folds(task, items, settings, seed=seed)
        right = np.empty((len(settings.tried), len(folds)), dtype=bool)
        for fold in range(settings.folds):
            fit, held = task.train[folds != fold], task.train[folds == fold]
            right[:, folds == fold] = solver.predict(fit, held, settings.tried) == task.targets[held]
        every.append(right.mean(axis=1))
    return np.stack(every)


def _answers(solver: Solver, task: Assignment, strengths: Sequence[float]) -> NDArray[np.int64]:
    """(S, m) predictions of the test items, each repeat with its C and fitted on all of train."""
    found = {one: solver.predict(task.train, task.test, [one])[0] for one in dict.fromkeys(strengths)}
    return np.stack([found[strength] for strength in strengths])


SVM = Probe(evaluate, SvmSettings(), SvmDetails, own=("kind",), require=require)
LINEAR_SVC = Probe(evaluate, SvmSettings("linear_svc"), SvmDetails, own=("kind",), require=require)
