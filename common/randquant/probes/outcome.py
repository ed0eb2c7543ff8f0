"""The outcome of a probe: its scores, predictions and fitted classifier."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Items
from randquant.files.json_record import Json, Record
from randquant.probes.classifier import Classifier
from randquant.probes.items.splits import Assignment

D = TypeVar("D", bound="Details")

R2 = "R2"  # the measure of predicted numbers
_NORMAL_975 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, kw_only=True)
class Score(Record):
    """How many predictions are right, or how near predicted numbers are.

    Attributes:
        accuracy: mean over repeats, in [0, 1]; of folds the mean over folds, each weighing the same, then over repeats.
            Of numbers it is R², the share of their variance that is explained, at most 1.
        measure: "R2" of numbers; None of classes.
        accuracies: one a repeat.
        ci95: half-width of the Student t interval over repeats, None for one repeat.
        ci95_items: Wilson interval over test items.
        macro_recall: mean recall over the classes present in test.
    """

    accuracy: float
    ci95: float | None
    ci95_method: str = "half-width of the Student t interval of the mean over repeats"
    ci95_items: list[float] = field(default_factory=list)
    ci95_items_method: str = "Wilson score interval over test items"
    accuracies: list[float] = field(default_factory=list)
    macro_recall: float | None
    measure: str | None = None

    def __post_init__(self) -> None:
        if not (self.measure == R2 or self.accuracy >= 0) or not self.accuracy <= 1:
            raise ValueError(f"accuracy should lie in [0, 1], got {self.accuracy}")


@dataclass(frozen=True, kw_only=True)
class PartScore(Score):
    """A score on some of the test items; `test` is how many."""

    test: int


@dataclass(frozen=True, kw_only=True)
class FoldScore(Record):
    """The accuracy on one fold: its name, numbers of items, and the mean and each of the repeats."""

    fold: str
    train: int
    test: int
    accuracy: float
    accuracies: list[float]


@dataclass(frozen=True, kw_only=True)
class Numbers(Score):
    """The numbers that every probe has.

    Attributes:
        probe: its name.
        majority_floor: what always answering train's largest class scores.
        repeats: of the classifier.
        classes: how many there are.
        counts: items by role; None for a role that has none of its own.
        validation: what choices were made on.
        folds: one a fold; None where there are none.
        valid_accuracy: of what was chosen; None where nothing was, or not on validation.
        seeds: of the repeats.
        how: how the number came about, in words.
        seconds: the probe took.
        more: facts of this probe alone, as its details give them.
    """

    probe: str
    majority_floor: float | None
    repeats: int = 1
    classes: int = 0
    counts: dict[str, int | None] = field(default_factory=dict)
    validation: str = ""
    folds: list[FoldScore] | None = None
    valid_accuracy: float | None
    seeds: list[int] = field(default_factory=list)
    how: str = ""
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Details(Record):
    """The facts of one probe; subclasses add their own fields.

    Attributes:
        seeds, valid_accuracy: as in `Numbers`.
        validation: what choices were made on, where that is neither the valid split nor a part of train.
        settings: the probe's name under "probe", and its settings.
        words: `how`, of a probe that has no `WORDS`, which name its fields.
    """

    WORDS: ClassVar[str] = "{words}"

    seeds: list[int] = field(default_factory=list)
    valid_accuracy: float | None
    validation: str | None = None
    settings: Mapping[str, Json]
    words: str = ""

    @property
    def how(self) -> str:
        """How the number came about, in words."""
        return self.WORDS.format_map(vars(self))


_SAID = {each.name for each in fields(Numbers)} | {"words"}


@dataclass(frozen=True)
class Outcome(Generic[D]):
    """The result of one probe on one task.

    Attributes:
        numbers: what was counted.
        details: what the probe says of itself.
        items: of the answers, m.
        rows: (m,) rows of the features that were asked about: the test items, of all folds, each once; of episodes,
            which draw their own, as often as they were drawn.
        truth: (m,) class ids.
        predictions: (S, m) predicted class ids, one row a repeat.
        classes: names; class id c is `classes[c]`.
        fitted: gives the classifier of the first repeat; None where there is no single one.
    """

    numbers: Numbers
    details: D
    items: Items
    rows: NDArray[np.int64]
    truth: NDArray[np.int64]
    predictions: NDArray[np.int64]
    classes: list[str]
    fitted: Callable[[], Classifier] | None = None


def outcome_of(
    probe: str,
    items: Items,
    assignments: Sequence[Assignment],
    predictions: Sequence[NDArray[np.int64]],
    details: D,
    *,
    started: float | None = None,
    fitted: Callable[[], Classifier] | None = None,
) -> Outcome[D]:
    """Score predictions.

    Args:
        probe: its name.
        items: of the features.
        assignments: one, or one a fold.
        predictions: for each assignment (S, m_f) class ids of its test items, one row a repeat.
        details: of the probe.
        started: `time.perf_counter()` when the probe began.
        fitted: as in `Outcome`; dropped where there are folds, each of which has a classifier of its own.
    """
    truths = [assignment.targets[assignment.test] for assignment in assignments]
    right = [found == truth for found, truth in zip(predictions, truths, strict=True)]
    by_fold = np.stack([part.mean(axis=1) for part in right], axis=1)  # (S, F)
    floors = [(truth == each.majority).mean() for each, truth in zip(assignments, truths, strict=True)]
    truth, first = np.concatenate(truths), assignments[0]
    held_out = "10 % of train, held out by seed" if first.valid is None else "the valid split"
    numbers = Numbers(
        **vars(score_of(np.concatenate(right, axis=1), truth, by_fold.mean(axis=1))) | said_by(details),
        probe=probe,
        majority_floor=float(np.mean(floors)),
        repeats=len(by_fold),
        classes=len(first.classes),
        counts=_counts(assignments),
        validation=details.validation or held_out,
        folds=None if first.name is None else _folds(assignments, by_fold),
        seconds=None if started is None else round(time.perf_counter() - started, 3),
    )
    rows = np.concatenate([assignment.test for assignment in assignments])
    answers, single = np.concatenate(predictions, axis=1), len(assignments) == 1
    return Outcome(numbers, details, items.take(rows), rows, truth, answers, first.classes, fitted if single else None)


def said_by(details: Details) -> dict[str, Any]:
    """The fields of `Numbers` that details give."""
    own = {name: value for name, value in details.to_json().items() if name not in _SAID}
    return {"how": details.how, "seeds": details.seeds, "valid_accuracy": details.valid_accuracy, "more": own}


def tried(name: str, values: Sequence[float], valid: NDArray[np.float64]) -> list[dict[str, float]]:
    """What was tried and its validation accuracy, for the details of a probe."""
    pairs = zip(values, valid.tolist(), strict=True)
    return [{name: value, "valid_accuracy": accuracy} for value, accuracy in pairs]


def not_converged(name: str, values: Sequence[float]) -> str:
    """Words for the end of `how`: of which candidates the fit ran out of steps; none where all converged.

    >>> not_converged("C", [1.0, 0.5])
    ', not converged at C 1 and 0.5'
    """
    return f", not converged at {name} {' and '.join(f'{value:g}' for value in values)}" if values else ""


def score_of(
    right: NDArray[np.bool_], truth: NDArray[np.int64], accuracies: NDArray[np.float64] | None = None
) -> Score:
    """The score of answers.

    Args:
        right: (S, m) which are right, one row a repeat.
        truth: (m,) class ids.
        accuracies: (S,) of the repeats, where they are not the mean over all answers.
    """
    found = right.mean(axis=1) if accuracies is None else accuracies
    accuracy = float(found.mean())
    return Score(
        accuracy=accuracy,
        ci95=repeats_half_width(found.tolist()),
        ci95_items=list(items_interval(accuracy, len(truth))),
        accuracies=found.tolist(),
        macro_recall=float(np.mean([right[:, truth == label].mean() for label in np.unique(truth)])),
    )


def repeats_half_width(values: Sequence[float]) -> float | None:
    """Half-width of the 95 % Student t interval of the mean of `values`; None where there is only one.

    It tells how much initialisation, order and held-out part matter, not how few items were scored.

    >>> round(repeats_half_width([0.70, 0.72, 0.74]), 4)
    0.0497
    """
    if len(values) < 2:
        return None
    from scipy.stats import t

    spread = float(np.std(np.asarray(values, dtype=np.float64), ddof=1))
    return float(t.ppf(0.975, len(values) - 1)) * spread / math.sqrt(len(values))


def items_interval(accuracy: float, count: int) -> tuple[float, float]:
    """95 % Wilson score interval of an accuracy measured on `count` items (Wilson, JASA 1927).

    >>> low, high = items_interval(0.5, 100)
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    """
    square = _NORMAL_975**2
    centre = (accuracy + square / (2 * count)) / (1 + square / count)
    spread = accuracy * (1 - accuracy) / count + square / (4 * count**2)
    half = _NORMAL_975 * math.sqrt(spread) / (1 + square / count)
    # The bounds enclose the accuracy and stay in [0, 1] but for rounding.
    return max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))


def on_some(outcome: Outcome[Any], kept: NDArray[np.bool_]) -> PartScore:
    """The score of the same predictions on a subset of the test items; folds are pooled.

    Args:
        outcome: of all test items.
        kept: (m,) which of them count.

    Raises:
        ValueError: none is kept.
    """
    if not kept.any():
        raise ValueError("at least one test item needs to be kept")
    truth = outcome.truth[kept]
    score = score_of((outcome.predictions == outcome.truth)[:, kept], truth)
    return PartScore(**vars(score), test=len(truth))


def _counts(assignments: Sequence[Assignment]) -> dict[str, int | None]:
    valid = assignments[0].valid
    return {
        "train": len(np.unique(np.concatenate([each.train for each in assignments]))),
        "valid": None if valid is None else len(valid),
        "test": sum(len(each.test) for each in assignments),
    }


def _folds(assignments: Sequence[Assignment], by_fold: NDArray[np.float64]) -> list[FoldScore]:
    return [
        FoldScore(
            fold=str(assignment.name),
            train=len(assignment.train),
            test=len(assignment.test),
            accuracy=float(accuracies.mean()),
            accuracies=accuracies.tolist(),
        )
        for assignment, accuracies in zip(assignments, by_fold.T, strict=True)
    ]
