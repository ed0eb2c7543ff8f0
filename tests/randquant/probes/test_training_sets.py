"""A probe over given training sets: each is fitted alone, and the test items stay the same."""

import numpy as np
import pytest
import torch

from randquant.data.features import Features
from randquant.errors import UsageError
from randquant.probes import ridge
from randquant.probes.training_sets import over_training_sets, training_sets


def test_every_set_is_a_repeat_that_equals_the_probe_on_it_alone() -> None:
    classes = torch.arange(120) % 3
    vectors = (torch.eye(3)[classes] * 2 + torch.randn(120, 3)).numpy()
    splits = ["train"] * 60 + ["valid"] * 20 + ["test"] * 40
    labels, names = [str(int(each)) for each in classes], [str(number) for number in range(120)]
    features = Features(vectors, names, labels, [None] * 120, splits)
    column = [f"{1 + number % 2}" + (" 3" if number < 40 else "") if number < 70 else None for number in range(120)]
    sets = training_sets(column, "a store")
    assert [len(rows) for rows in sets] == [35, 35, 40]
    probe = over_training_sets(ridge.RIDGE, sets)
    outcome = probe.evaluate(features, probe.settings, seed=1, device="cpu")
    assert outcome.predictions.shape == (3, 40)
    for rows, predictions in zip(sets, outcome.predictions, strict=True):
        own = ["train" if row in rows else "test" if row >= 80 else None for row in range(120)]
        alone = Features(vectors, names, labels, [None] * 120, own)
        expected = ridge.RIDGE.evaluate(alone, ridge.RIDGE.settings, seed=1, device="cpu")
        assert np.array_equal(predictions, expected.predictions[0])
    assert outcome.numbers.accuracy == pytest.approx(np.mean(outcome.numbers.accuracies))
    assert len(outcome.numbers.accuracies) == 3
    assert outcome.numbers.ci95 is not None
    assert outcome.numbers.how.endswith("mean of 3 given training sets")


def test_a_store_without_folds_is_said() -> None:
    with pytest.raises(UsageError, match="no official folds"):
        training_sets([None, ""], "STORE")
