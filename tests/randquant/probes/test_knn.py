"""kNN against voting written out."""

import math

import numpy as np
import pytest
import torch

from randquant.features import Features
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


def test_evaluate_chooses_on_validation() -> None:
    targets = np.arange(120) % 3
    vectors = np.eye(3, 5, dtype=np.float32)[targets] + 0.05 * np.random.default_rng(0).normal(size=(120, 5))
    splits = ["train"] * 60 + ["valid"] * 30 + ["test"] * 30
    labels = [f"class {target}" for target in targets]
    features = Features(vectors.astype(np.float32), labels, labels, [None] * 120, splits)
    numbers = knn.evaluate(features)
    assert numbers["accuracy"] == numbers["valid_accuracy"] == 1.0
    assert numbers["neighbours"] == 1, "the first of equals"
    assert len(numbers["sweep"]) == 8


@pytest.mark.parametrize(("neighbours", "temperatures"), [([0], [0.1]), ([], [0.1]), ([1], [0.0]), ([1], [])])
def test_wrong_arguments_are_refused(neighbours: list, temperatures: list) -> None:
    with pytest.raises(ValueError, match="need to be"):
        knn.predict(
            torch.randn(3, 2), torch.arange(3), torch.randn(1, 2), neighbours=neighbours, temperatures=temperatures
        )
