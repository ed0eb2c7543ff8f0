"""Asking about changed items beside the clean ones changes nothing about the clean ones."""

from dataclasses import replace

import numpy as np
import pytest

from randquant.data.features import Features
from randquant.probes import knn, logistic, ridge, svm
from randquant.probes.conditions import by_condition, joined
from randquant.probes.items.splits import official_train
from randquant.probes.outcome import on_some


def blobs(spread: float = 1.0) -> Features:
    generator = np.random.default_rng(0)
    targets = np.arange(60) % 3
    x = (np.eye(3)[targets] * 4 + spread * generator.normal(size=(60, 3))).astype(np.float32)
    splits = ["train"] * 30 + ["valid"] * 10 + ["test"] * 20
    return Features(x, [str(index) for index in range(60)], ["abc"[t] for t in targets], [None] * 60, splits)


def shifted_test(features: Features, shift: float) -> Features:
    rows = features.select("test")
    ids, labels = ([column[row] for row in rows] for column in (features.ids, features.labels))
    return Features(features.vectors[rows] + np.float32(shift), ids, labels, [None] * 20, ["test"] * 20)


@pytest.mark.parametrize("probe", [knn, ridge, logistic, svm], ids=lambda probe: probe.__name__.rpartition(".")[2])
def test_the_clean_outcome_is_as_without_conditions(probe: object) -> None:
    features = blobs()
    changed = {"same": shifted_test(features, 0.0), "far": shifted_test(features, 9.0)}
    alone = probe.evaluate(features)  # type: ignore[attr-defined]
    together = probe.evaluate(joined(features, changed))  # type: ignore[attr-defined]
    clean, scores = by_condition(together, len(features), list(changed))
    assert replace(clean.numbers, seconds=None) == replace(alone.numbers, seconds=None)
    assert (clean.predictions == alone.predictions).all()
    assert (clean.rows == alone.rows).all()
    assert scores["same"].accuracy == alone.numbers.accuracy
    assert scores["far"].test == 20


def test_conditions_are_of_the_test_items() -> None:
    features = blobs()
    with pytest.raises(ValueError, match="in their order"):
        joined(features, {"all": features})


def test_on_some_counts_those_alone() -> None:
    outcome = ridge.evaluate(blobs(3.0))
    right = outcome.predictions[0] == outcome.truth
    assert on_some(outcome, right).accuracy == 1.0
    assert on_some(outcome, right).test == right.sum()
    whole = on_some(outcome, np.ones(20, dtype=bool)).to_json()
    assert {name: getattr(outcome.numbers, name) for name in whole if name != "test"} == {
        name: value for name, value in whole.items() if name != "test"
    }
    with pytest.raises(ValueError, match="at least one"):
        on_some(outcome, np.zeros(20, dtype=bool))


def test_official_train_takes_validation_back() -> None:
    items = official_train(blobs().items)
    assert [len(items.select(split)) for split in ("train", "valid", "test")] == [40, 0, 20]
