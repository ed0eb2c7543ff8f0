"""Numbers counted from predictions, with and without folds."""

import json

import numpy as np
import pytest

from randquant.data.features import Items
from randquant.probes.items.splits import assignments
from randquant.probes.outcome import Details, outcome_of

DETAILS = Details(valid_accuracy=None, settings={"probe": "guess"})


def make(labels: str, splits: list[str]) -> Items:
    return Items([str(i) for i in range(len(labels))], list(labels), [None] * len(labels), splits)


def test_macro_recall_counts_classes_present_in_test() -> None:
    items = make("aabcd" + "aaaabc", ["train"] * 5 + ["test"] * 6)
    tasks = assignments(items)
    outcome = outcome_of("guess", items, tasks, [np.array([[0, 0, 0, 0, 1, 1]])], DETAILS)
    numbers = outcome.numbers.to_json()
    assert numbers["accuracy"] == pytest.approx(5 / 6)
    assert numbers["macro_recall"] == pytest.approx(2 / 3)
    assert numbers["majority_floor"] == pytest.approx(4 / 6)
    assert numbers["ci95"] is None
    assert (numbers["probe"], numbers["classes"], numbers["repeats"]) == ("guess", 4, 1)
    assert "folds" not in numbers
    assert outcome.classes == ["a", "b", "c", "d"]
    json.dumps(numbers)


def test_folds_weigh_the_same_whatever_their_size() -> None:
    items = make("ab" + "aabb" + "ab", ["fold1"] * 2 + ["fold2"] * 4 + ["fold10"] * 2)
    tasks = assignments(items)
    right = np.array([[0, 1], [0, 0]]), np.array([[0, 0, 1, 1], [0, 0, 1, 1]]), np.array([[1, 0], [1, 0]])
    outcome = outcome_of("guess", items, tasks, list(right), DETAILS)
    numbers = outcome.numbers.to_json()
    assert numbers["accuracies"] == pytest.approx([2 / 3, 1.5 / 3])
    assert numbers["accuracy"] == pytest.approx(3.5 / 6)
    assert [fold["fold"] for fold in numbers["folds"]] == ["fold1", "fold2", "fold10"]
    assert [fold["accuracy"] for fold in numbers["folds"]] == pytest.approx([0.75, 1.0, 0.0])
    assert [fold["test"] for fold in numbers["folds"]] == [2, 4, 2]
    assert [fold["train"] for fold in numbers["folds"]] == [6, 4, 6]
    assert numbers["counts"] == {"train": 8, "valid": None, "test": 8}
    assert outcome.rows.tolist() == list(range(8))
    assert outcome.truth.tolist() == [0, 1, 0, 0, 1, 1, 0, 1]
    assert outcome.predictions.shape == (2, 8)
    json.dumps(numbers)
