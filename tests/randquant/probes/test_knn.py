"""kNN against voting written out."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from randquant.data.features import Features
from randquant.probes import knn


def vote_slowly(train: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, k: int, temperature: float) -> int:
    cosines = [float(torch.cosine_similarity(query, item, dim=0)) for item in train]
    nearest = sorted(range(len(train)), key=lambda i: -cosines[i])[:k]
    votes = {int(label): 0.0 for label in labels}
    for i in nearest:
        votes[int(labels[i])] += math.exp(cosines[i] / temperature)
    return max(sorted(votes), key=lambda label: votes[label])


def test_predictions_equal_voting_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "_SIMILARITIES", 200)  # several chunks
    train, labels, queries = torch.randn(40, 6), torch.randint(0, 4, (40,)), torch.randn(17, 6)
    neighbours, temperatures = [1, 5, 100], [0.07, 1.0]
    found = knn.predict(train, labels, queries, neighbours=neighbours, temperatures=temperatures)
    assert found.shape == (3, 2, 17)
    for i, k in enumerate(neighbours):
        for j, temperature in enumerate(temperatures):
            expected = [vote_slowly(train, labels, query, k, temperature) for query in queries]
            assert found[i, j].tolist() == expected


def test_accuracy_of_the_bank_itself_is_one() -> None:
    train, labels = torch.randn(30, 5), torch.arange(30) % 3
    assert knn.accuracy(train, labels, train * 7, labels, k=1) == 1.0


def test_length_plays_no_role_and_order_neither() -> None:
    train, labels, queries = torch.randn(30, 5), torch.arange(30) % 3, torch.randn(9, 5)
    expected = knn.predict(train, labels, queries, neighbours=[7], temperatures=[0.1])
    order = torch.randperm(30)
    scaled = train[order] * torch.rand(30, 1).add(0.1)
    found = knn.predict(scaled, labels[order], queries, neighbours=[7], temperatures=[0.1])
    assert torch.equal(found, expected)


def make_features(splits: Sequence[str | None], spread: float) -> Features:
    count = len(splits)
    targets = np.arange(count) % 3
    generator = np.random.default_rng(0)
    vectors = np.eye(3, 5, dtype=np.float32)[targets] + spread * generator.normal(size=(count, 5))
    labels = [f"class {target}" for target in targets]
    return Features(vectors.astype(np.float32), [str(i) for i in range(count)], labels, [None] * count, splits)


def test_evaluate_chooses_on_validation() -> None:
    outcome = knn.evaluate(make_features(["train"] * 60 + ["valid"] * 30 + ["test"] * 30, spread=0.05))
    numbers = outcome.numbers.to_json()
    assert numbers["accuracy"] == numbers["valid_accuracy"] == 1.0
    assert numbers["neighbours"] == 1, "the first of equals"
    assert len(numbers["sweep"]) == 8
    assert outcome.rows.tolist() == list(range(90, 120))
    np.testing.assert_array_equal(outcome.predictions[0], outcome.truth)
    json.dumps(numbers)


def test_the_best_of_the_sweep_is_scored() -> None:
    features = make_features(["train"] * 60 + ["valid"] * 30 + ["test"] * 30, spread=0.8)
    outcome = knn.evaluate(features)
    numbers = outcome.numbers.to_json()
    assert numbers["valid_accuracy"] == max(entry["valid_accuracy"] for entry in numbers["sweep"])
    x, targets = torch.from_numpy(features.vectors), torch.arange(120) % 3
    by_hand = knn.predict(
        x[:60],
        targets[:60],
        x[90:],
        neighbours=[numbers["neighbours"]],
        temperatures=[numbers["temperature"]],
    )
    assert outcome.predictions.tolist() == by_hand[0].tolist()


def test_folds_equal_a_loop_over_them() -> None:
    folds = [f"fold{1 + i // 30}" for i in range(120)]
    features = make_features(folds, spread=0.8)
    settings = knn.KnnSettings((7,), (0.1,))
    together = knn.evaluate(features, settings)
    alone = []
    for name in ("fold1", "fold2", "fold3", "fold4"):
        splits = ["test" if fold == name else "train" for fold in folds]
        part = Features(features.vectors, features.ids, features.labels, features.groups, splits)
        alone.append(knn.evaluate(part, settings))
    np.testing.assert_array_equal(together.predictions, np.concatenate([each.predictions for each in alone], axis=1))
    assert together.numbers.accuracy == pytest.approx(np.mean([each.numbers.accuracy for each in alone]))
    assert together.numbers.valid_accuracy == pytest.approx(np.mean([each.numbers.valid_accuracy for each in alone]))
    assert [fold.fold for fold in together.numbers.folds or []] == ["fold1", "fold2", "fold3", "fold4"]


@pytest.mark.parametrize(("neighbours", "temperatures"), [([0], [0.1]), ([], [0.1]), ([1], [0.0]), ([1], [])])
def test_wrong_arguments_are_refused(neighbours: list, temperatures: list) -> None:
    with pytest.raises(ValueError, match="need to be"):
        knn.KnnSettings(tuple(neighbours), tuple(temperatures))
    with pytest.raises(ValueError, match="need to be"):
        knn.predict(
            torch.randn(3, 2), torch.arange(3), torch.randn(1, 2), neighbours=neighbours, temperatures=temperatures
        )
