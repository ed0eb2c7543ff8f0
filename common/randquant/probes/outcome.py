"""What a probe found: numbers, and the predictions they were counted from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.probes.intervals import items_interval, repeats_half_width
from randquant.probes.splits import Assignment


@dataclass
class Outcome:
    """The result of one probe on one task.

    Attributes:
        numbers: JSON-ready facts, those of `outcome_of` and the probe's own.
        rows: (m,) rows of the features that were scored: the test items, of all folds, each once.
        truth: (m,) their class ids.
        predictions: (S, m) predicted class ids, one row a repeat.
        classes: names; class id c is `classes[c]`.
    """

    numbers: dict[str, Any]
    rows: NDArray[np.int64]
    truth: NDArray[np.int64]
    predictions: NDArray[np.int64]
    classes: list[str]


def outcome_of(
    probe: str, assignments: Sequence[Assignment], predictions: Sequence[NDArray[np.int64]], extra: dict[str, Any]
) -> Outcome:
    """Count what was right.

    Args:
        probe: its name.
        assignments: one, or one a fold.
        predictions: for each assignment (S, m_f) class ids of its test items, one row a repeat.
        extra: facts of the probe itself, such as `valid_accuracy`, `settings` and `seconds`.

    Returns:
        An outcome whose numbers hold `probe`, `accuracy` (mean over repeats, in [0, 1]; of folds the mean over folds,
        each weighing the same, then over repeats), `accuracies` (one a repeat), `ci95` (half-width of the Student t
        interval over repeats, None for one repeat), `ci95_items` (Wilson interval over test items), `macro_recall`
        (mean over the classes present in test), `majority_floor` (what always answering train's largest class
        would score), `repeats`, `classes`, `counts` (items of each role), with folds also `folds` (for each its name,
        items and accuracies), and `extra`.
    """
    truths = [assignment.targets[assignment.test] for assignment in assignments]
    right = [found == truth for found, truth in zip(predictions, truths, strict=True)]
    by_fold = np.stack([part.mean(axis=1) for part in right], axis=1)  # (S, F)
    floors = [(truth == each.majority).mean() for each, truth in zip(assignments, truths, strict=True)]
    truth = np.concatenate(truths)
    numbers = {
        "probe": probe,
        **_accuracy(by_fold.mean(axis=1), len(truth)),
        "macro_recall": _macro_recall(np.concatenate(right, axis=1), truth),
        "majority_floor": float(np.mean(floors)),
        "repeats": len(by_fold),
        "classes": len(assignments[0].classes),
        "counts": _counts(assignments),
        "validation": _validation(assignments[0]),
    }
    if assignments[0].name is not None:
        numbers["folds"] = _folds(assignments, by_fold)
    rows = np.concatenate([assignment.test for assignment in assignments])
    return Outcome({**numbers, **extra}, rows, truth, np.concatenate(predictions, axis=1), assignments[0].classes)


def on_some(outcome: Outcome, kept: NDArray[np.bool_]) -> dict[str, Any]:
    """What the same predictions score on some of the test items; folds are pooled.

    Args:
        outcome: of all test items.
        kept: (m,) which of them count.

    Returns:
        JSON-ready: `accuracy`, `accuracies`, their intervals, `macro_recall` and `test`, how many items it were.

    Raises:
        ValueError: none is kept.
    """
    if not kept.any():
        raise ValueError("at least one test item needs to be kept")
    right, truth = (outcome.predictions == outcome.truth)[:, kept], outcome.truth[kept]
    return {
        **_accuracy(right.mean(axis=1), len(truth)),
        "macro_recall": _macro_recall(right, truth),
        "test": len(truth),
    }


def _accuracy(accuracies: NDArray[np.float64], count: int) -> dict[str, Any]:
    accuracy = float(accuracies.mean())
    return {
        "accuracy": accuracy,
        "ci95": repeats_half_width(accuracies.tolist()),
        "ci95_method": "half-width of the Student t interval of the mean over repeats",
        "ci95_items": list(items_interval(accuracy, count)),
        "ci95_items_method": "Wilson score interval over test items",
        "accuracies": accuracies.tolist(),
    }


def _macro_recall(right: NDArray[np.bool_], truth: NDArray[np.int64]) -> float:
    return float(np.mean([right[:, truth == label].mean() for label in np.unique(truth)]))


def _counts(assignments: Sequence[Assignment]) -> dict[str, int | None]:
    valid = assignments[0].valid
    return {
        "train": len(np.unique(np.concatenate([each.train for each in assignments]))),
        "valid": None if valid is None else len(valid),
        "test": sum(len(each.test) for each in assignments),
    }


def _validation(assignment: Assignment) -> str:
    return "10 % of train, held out by seed" if assignment.valid is None else "the valid split"


def _folds(assignments: Sequence[Assignment], by_fold: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [
        {
            "fold": assignment.name,
            "train": len(assignment.train),
            "test": len(assignment.test),
            "accuracy": float(accuracies.mean()),
            "accuracies": accuracies.tolist(),
        }
        for assignment, accuracies in zip(assignments, by_fold.T, strict=True)
    ]
