"""One classifier asked under several conditions: fitted and chosen on clean items, it answers changed ones too."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from randquant.data.features import Features
from randquant.probes.outcome import Outcome, on_some, outcome_of
from randquant.probes.splits import assign


def beside(features: Features, changed: Mapping[str, Features]) -> Features:
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


def apart(outcome: Outcome, features: Features, names: list[str]) -> tuple[Outcome, dict[str, dict[str, Any]]]:
    """The outcome on clean test items, and what each condition scores.

    Args:
        outcome: of a probe on `beside(features, changed)`.
        features: the clean ones.
        names: of the conditions, in the order of `changed`.

    Returns:
        The outcome as it would have been without conditions, and by condition the numbers of
        `randquant.probes.outcome.on_some` with `lost`, the accuracy lost against the clean items.
    """
    task = assign(features.items)
    count = len(task.test)
    extra = {name: value for name, value in outcome.numbers.items() if name not in _COUNTED}
    clean = outcome_of(outcome.numbers["probe"], [task], [outcome.predictions[:, :count]], extra)
    place = np.arange(len(outcome.truth)) // count
    numbers = {name: on_some(outcome, place == index) for index, name in enumerate(names, start=1)}
    for found in numbers.values():
        found["lost"] = clean.numbers["accuracy"] - found["accuracy"]
    return clean, numbers


# What `outcome_of` counts from predictions; the rest of an outcome's numbers are the probe's own.
_COUNTED = {
    *("accuracy", "ci95", "ci95_method", "ci95_items", "ci95_items_method", "accuracies"),
    *("macro_recall", "majority_floor", "repeats", "classes", "counts"),
}
