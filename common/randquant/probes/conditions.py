"""Evaluate a classifier fitted on clean items under several conditions, such as corrupted test items."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from randquant.data.features import Features
from randquant.probes.outcome import Details, Outcome, PartScore, Score, on_some

D = TypeVar("D", bound=Details)


def joined(features: Features, changed: Mapping[str, Features]) -> Features:
    """Features of all items, followed by those of the test items under every condition.

    Args:
        features: (n, D) of all items, with splits train and test.
        changed: by condition (m, D), of the test items in their order.

    Raises:
        ValueError: a condition is not of the test items.
    """
    test = [features.ids[row] for row in features.select("test")]
    if any(list(each.ids) != test for each in changed.values()):
        raise ValueError("each condition needs features of the test items, in their order")
    parts = [features, *changed.values()]
    marks = ["", *(f" ({name})" for name in changed)]
    labels, groups, splits = (
        [value for each in parts for value in getattr(each, name)] for name in ("labels", "groups", "splits")
    )
    ids = [name + mark for each, mark in zip(parts, marks, strict=True) for name in each.ids]
    vectors = np.concatenate([each.vectors for each in parts])
    return Features(vectors, ids, labels, groups, splits, provenance=features.provenance)


def by_condition(outcome: Outcome[D], count: int, names: Sequence[str]) -> tuple[Outcome[D], dict[str, PartScore]]:
    """The outcome on clean items, and the score under each condition.

    Args:
        outcome: of a probe on `joined(features, changed)`.
        count: n, clean items.
        names: of the conditions, in the order of `changed`.

    Returns:
        The outcome as it would have been without conditions; and the scores by condition, none where the probe asked
        clean items alone, as episodes do.
    """
    clean = outcome.rows < count
    if clean.all():
        return outcome, {}
    asked = int(clean.sum())
    score = on_some(outcome, clean)
    counts = {**outcome.numbers.counts, "test": asked}
    kept = {each.name: getattr(score, each.name) for each in fields(Score) if each.name != "more"}
    alone = replace(
        outcome,
        numbers=replace(outcome.numbers, **kept, counts=counts),
        items=outcome.items.take(np.flatnonzero(clean)),
        rows=outcome.rows[clean],
        truth=outcome.truth[clean],
        predictions=outcome.predictions[:, clean],
    )
    place = np.where(clean, 0, 1 + (outcome.rows - count) // asked)
    return alone, {name: on_some(outcome, place == index) for index, name in enumerate(names, start=1)}
