"""Evaluate classifiers fitted on clean items under several conditions, such as corrupted test items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Features, Items
from randquant.data.store import is_fold
from randquant.probes import registry
from randquant.probes.items.arrangement import Device, TaskFeatures, first_of
from randquant.probes.items.splits import asked_only
from randquant.probes.outcome import Details, FoldScore, Outcome, score_of
from randquant.probes.probe import Probe

D = TypeVar("D", bound=Details)


@dataclass(frozen=True)
class Conditioned(Generic[D]):
    """What probes answer.

    Attributes:
        outcomes: by probe, on clean items, as they are without conditions.
        changed: by probe and condition; a probe that asks clean items alone, as episodes do, has none.
    """

    outcomes: dict[str, Outcome[D]]
    changed: dict[str, dict[str, Outcome[D]]] = field(default_factory=dict)


def evaluate(
    probes: Mapping[str, Probe[Any]],
    features: TaskFeatures,
    changed: Mapping[str, TaskFeatures],
    *,
    seed: int,
    device: Device,
    fitted: str | None = None,
) -> Conditioned[Any]:
    """Fit each probe once, on clean items, and ask it about the clean and the changed test items.

    Args:
        probes: as `registry.named` gives them.
        features: of all items, or one for each fold.
        changed: by condition, of the test items in their order, as many as `features`; may be empty.
        seed, device, fitted: as in `registry.evaluate`.

    Raises:
        ValueError: a condition is not of the test items.
    """
    asked = _joined(features, changed) if changed else features
    outcomes = registry.evaluate(probes, asked, seed=seed, device=device, fitted=fitted)
    if not changed:
        return Conditioned(outcomes)
    found = {name: by_condition(each, len(first_of(features)), list(changed)) for name, each in outcomes.items()}
    return Conditioned(
        {name: clean for name, (clean, _) in found.items()}, {name: under for name, (_, under) in found.items()}
    )


def tested(items: Items) -> NDArray[np.int64]:
    """Rows of the items that are scored: those of test, or of every fold."""
    scored = [split == "test" or is_fold(split) for split in items.splits]
    return np.flatnonzero(scored).astype(np.int64)


def joined(features: Features, changed: Mapping[str, Features]) -> Features:
    """Features of all items, followed by those of the test items under every condition, which nothing is fitted on.

    Args:
        features: (n, D) of all items, with splits or folds.
        changed: by condition (m, D), of the test items in their order.

    Raises:
        ValueError: a condition is not of the test items.
    """
    test = [features.ids[row] for row in tested(features.items)]
    if any(list(each.ids) != test for each in changed.values()):
        raise ValueError("each condition needs features of the test items, in their order")
    parts = [features, *changed.values()]
    marks = ["", *(f" ({name})" for name in changed)]
    labels, groups = ([value for each in parts for value in getattr(each, name)] for name in ("labels", "groups"))
    splits = [*features.splits, *(asked_only(str(name)) for each in changed.values() for name in each.splits)]
    ids = [name + mark for each, mark in zip(parts, marks, strict=True) for name in each.ids]
    vectors = np.concatenate([each.vectors for each in parts])
    return Features(vectors, ids, labels, groups, splits, provenance=features.provenance)


def by_condition(outcome: Outcome[D], count: int, names: Sequence[str]) -> tuple[Outcome[D], dict[str, Outcome[D]]]:
    """The outcome on clean items, and the one under each condition.

    Args:
        outcome: of a probe on `joined(features, changed)`.
        count: n, clean items.
        names: of the conditions, in the order of `changed`.

    Returns:
        The outcome as it would have been without conditions; and those by condition, of the same items in the same
        order, none where the probe asked clean items alone, as episodes do.
    """
    clean = outcome.rows < count
    if clean.all():
        return outcome, {}
    asked = int(clean.sum())
    alone = _part(outcome, clean, outcome.items.take(np.flatnonzero(clean)))
    place = np.where(clean, 0, 1 + (outcome.rows - count) // asked)
    return alone, {name: _part(outcome, place == index, alone.items) for index, name in enumerate(names, start=1)}


def _joined(features: TaskFeatures, changed: Mapping[str, TaskFeatures]) -> TaskFeatures:
    if isinstance(features, Features):
        return joined(features, {name: first_of(each) for name, each in changed.items()})
    by_fold = zip(*([each] if isinstance(each, Features) else each for each in changed.values()), strict=True)
    return [joined(each, dict(zip(changed, of, strict=True))) for each, of in zip(features, by_fold, strict=True)]


def _part(outcome: Outcome[D], kept: NDArray[np.bool_], items: Items) -> Outcome[D]:
    """The outcome on some of its items, called `items`; folds weigh the same, as in `outcome_of`."""
    truth, predictions, numbers = outcome.truth[kept], outcome.predictions[:, kept], outcome.numbers
    right, folds, accuracies = predictions == truth, numbers.folds, None
    if folds is not None:
        places = [np.array([split == each.fold for split in items.splits]) for each in folds]
        by_fold = np.stack([right[:, place].mean(axis=1) for place in places], axis=1)
        folds, accuracies = [_fold(*each) for each in zip(folds, places, by_fold.T, strict=True)], by_fold.mean(axis=1)
    score = {name: value for name, value in vars(score_of(right, truth, accuracies)).items() if name != "more"}
    counts = {**numbers.counts, "test": len(truth)}
    numbers = replace(numbers, **score, counts=counts, folds=folds)
    return replace(outcome, numbers=numbers, items=items, rows=outcome.rows[kept], truth=truth, predictions=predictions)


def _fold(stated: FoldScore, place: NDArray[np.bool_], accuracies: NDArray[np.float64]) -> FoldScore:
    return replace(stated, test=int(place.sum()), accuracy=float(accuracies.mean()), accuracies=accuracies.tolist())
