"""Gradient-boosted trees: what a table is worth without any representation (scikit-learn's histogram boosting).

A baseline for tables, of their raw columns; of the thousands of numbers of an embedding it would take hours.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Features
from randquant.probes.items.arrangement import Device, TaskFeatures, first_of, one_each
from randquant.probes.items.splits import Assignment, assignments
from randquant.probes.outcome import Details, Outcome, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.regression import RegressionTask, outcome_of_numbers, r2


@dataclass(frozen=True)
class TreeSettings:
    """What is tried on validation.

    Attributes:
        leaves: of a tree, at most.
        rounds: of boosting; every one of them is a candidate.
        learning_rate: of a round.
    """

    leaves: tuple[int, ...] = (15, 63)
    rounds: int = 200
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not self.leaves or min(self.leaves) < 2 or self.rounds < 1 or self.learning_rate <= 0:
            raise ValueError(f"leaves need to be at least 2, rounds and learning_rate above 0, got {self}")


@dataclass(frozen=True, kw_only=True)
class TreeDetails(Details):
    """The choice, and the best validation accuracy of every number of leaves."""

    WORDS: ClassVar[str] = "by {rounds} rounds of boosted trees of {leaves} leaves, chosen on validation"
    leaves: int
    rounds: int
    sweep: list[dict[str, float]]


def evaluate(
    features: TaskFeatures, settings: TreeSettings = TreeSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[TreeDetails]:
    """Accuracy of boosted trees, their leaves and rounds chosen on validation, the same for all folds.

    Where the data name no validation split, a part of train is held out by `seed`; the trees that chose are those that
    are scored. They are always computed on the CPU.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    tasks = assignments(first_of(features).items)
    each = list(zip(one_each(features, tasks), tasks, strict=True))
    staged = [[boosted(*pair, settings, leaves, seed) for pair in each] for leaves in settings.leaves]
    # (leaves, rounds): the mean over folds
    valid = np.stack([np.mean([stages.valid for stages in folds], axis=0) for folds in staged])
    best, rounds = divmod(int(valid.argmax()), settings.rounds)  # the first of equals
    details = _details(settings, valid, best, rounds, seed)
    predictions = [stages.test[rounds : rounds + 1] for stages in staged[best]]
    return outcome_of("trees", first_of(features).items, tasks, predictions, details, started=started)


@dataclass(frozen=True)
class Stages:
    """By round: validation accuracy (R,) and predictions of the test items (R, m)."""

    valid: NDArray[np.float64]
    test: NDArray[np.int64]


def boosted(features: Features, task: Assignment, settings: TreeSettings, leaves: int, seed: int) -> Stages:
    """Fit trees of at most so many leaves, and look at every round."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    fit, choose = task.parts(seed=seed)
    trees = HistGradientBoostingClassifier(**_arguments(settings, leaves, seed))
    trees.fit(features.vectors[fit], task.targets[fit])

    def answers(rows: NDArray[np.int64]) -> Iterator[Any]:
        return trees.staged_predict(features.vectors[rows])

    valid = [float((found == task.targets[choose]).mean()) for found in answers(choose)]
    return Stages(np.array(valid), np.stack(list(answers(task.test))).astype(np.int64))


def evaluate_numbers(
    features: TaskFeatures, settings: TreeSettings = TreeSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[TreeDetails]:
    """R² of boosted trees of a number, as `randquant.probes.regression`; arguments are those of `evaluate`."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    started = time.perf_counter()
    features = first_of(features)
    task = RegressionTask.of(features.items, seed=seed)
    valid, tested = [], []
    for leaves in settings.leaves:
        trees = HistGradientBoostingRegressor(**_arguments(settings, leaves, seed))
        trees.fit(features.vectors[task.train], task.numbers[task.train])
        truth = task.numbers[task.valid]
        valid.append([r2(found, truth) for found in trees.staged_predict(features.vectors[task.valid])])
        tested.append(list(trees.staged_predict(features.vectors[task.test])))
    best, rounds = divmod(int(np.argmax(valid)), settings.rounds)  # the first of equals
    details = _details(settings, np.array(valid), best, rounds, seed)
    return outcome_of_numbers("trees", features.items, task, tested[best][rounds], details, seed, started)


def _arguments(settings: TreeSettings, leaves: int, seed: int) -> dict[str, Any]:
    return {
        "learning_rate": settings.learning_rate,
        "max_iter": settings.rounds,
        "max_leaf_nodes": leaves,
        "early_stopping": False,
        "random_state": seed,
    }


def _details(settings: TreeSettings, valid: NDArray[np.float64], best: int, rounds: int, seed: int) -> TreeDetails:
    """The choice among scores (leaves, rounds) on validation."""
    return TreeDetails(
        leaves=settings.leaves[best],
        rounds=rounds + 1,
        valid_accuracy=float(valid.max()),
        sweep=tried("leaves", settings.leaves, valid.max(axis=1)),
        seeds=[seed],
        settings={"probe": "trees", **asdict(settings)},
    )


TREES = Probe(evaluate, TreeSettings(), TreeDetails, saves=False)
TREES_OF_NUMBERS = replace(TREES, evaluate=evaluate_numbers)
