"""Asking about changed items beside the clean ones changes nothing about the clean ones."""

from dataclasses import replace

import numpy as np
import pytest

from randquant.data.features import Features
from randquant.probes import knn, logistic, registry, ridge, svm
from randquant.probes.conditions import conditioned
from randquant.probes.conditions.conditioned import by_condition, joined
from randquant.probes.items.splits import official_train
from randquant.probes.linear import LinearSettings
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
    clean, under = by_condition(together, len(features), list(changed))
    assert replace(clean.numbers, seconds=None) == replace(alone.numbers, seconds=None)
    assert (clean.predictions == alone.predictions).all()
    assert (clean.rows == alone.rows).all()
    assert under["same"].numbers.accuracy == alone.numbers.accuracy
    assert under["far"].numbers.counts["test"] == len(under["far"].truth) == 20
    assert under["far"].items == clean.items


@pytest.mark.parametrize("probe", ["knn", "ridge", "linear", "svm"])
@pytest.mark.parametrize("each_its_own", [False, True])
def test_with_folds_nothing_is_fitted_on_changed_items(probe: str, each_its_own: bool) -> None:
    blob = blobs(3.0)
    features = replace(blob, splits=[f"fold{1 + row // 3 % 3}" for row in range(60)])
    far = Features(features.vectors + np.float32(9.0), **vars(features.items))
    several = [features] * 3 if each_its_own else features
    named = registry.named([probe], [LinearSettings(max_epochs=5)])
    alone = conditioned.evaluate(named, several, {}, seed=0, device="cpu").outcomes[probe]
    changed = {"same": several, "far": [far] * 3 if each_its_own else far}
    found = conditioned.evaluate(named, several, changed, seed=0, device="cpu")
    clean = found.outcomes[probe]
    assert replace(clean.numbers, seconds=None) == replace(alone.numbers, seconds=None)
    assert (clean.predictions == alone.predictions).all()
    assert clean.items == alone.items
    same, moved = found.changed[probe]["same"], found.changed[probe]["far"]
    assert (same.predictions == alone.predictions).all()
    assert same.numbers.accuracy == alone.numbers.accuracy
    assert same.numbers.folds == alone.numbers.folds
    assert moved.items == alone.items
    assert (moved.predictions != alone.predictions).any()


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
