"""Weighted cosine k-nearest neighbours: nothing is fitted, so it can watch a training run as well as end one.

Votes are exp(cosine / temperature) (Wu et al., CVPR 2018).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from randquant.features import Features
from randquant.probes.linear import score
from randquant.probes.splits import assign

_SIMILARITIES = 2**25  # cosines held at a time: 128 MB


def predict(
    train: Tensor,
    train_labels: Tensor,
    queries: Tensor,
    *,
    neighbours: Sequence[int],
    temperatures: Sequence[float],
) -> Tensor:
    """Class ids that the nearest training items vote for.

    Args:
        train: (n, D) features.
        train_labels: (n,) int64 class ids from 0.
        queries: (m, D) features.
        neighbours: numbers of neighbours; one above n means n.
        temperatures: of the votes; the lower, the more the nearest count.

    Returns:
        (len(neighbours), len(temperatures), m) int64 class ids.
    """
    if not neighbours or min(neighbours) < 1:
        raise ValueError(f"neighbours need to be at least 1, got {list(neighbours)}")
    if not temperatures or min(temperatures) <= 0:
        raise ValueError(f"temperatures need to be above 0, got {list(temperatures)}")
    bank = functional.normalize(train.float(), dim=1)
    classes = int(train_labels.max()) + 1
    most = min(max(neighbours), len(bank))
    predictions = []
    for chunk in queries.split(max(1, _SIMILARITIES // len(bank))):
        cosine, nearest = (functional.normalize(chunk.float(), dim=1) @ bank.T).topk(most, dim=1)
        labels = train_labels[nearest]
        predictions.append(_vote(cosine, labels, neighbours, temperatures, classes))
    return torch.cat(predictions, dim=2)


def accuracy(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Share of `test` (m, D) whose label (m,) the k nearest of `train` (n, D) vote for: an online monitor."""
    predicted = predict(train, train_labels, test, neighbours=[k], temperatures=[temperature])[0, 0]
    return float((predicted == test_labels).double().mean())


def evaluate(
    features: Features,
    *,
    neighbours: Sequence[int] = (1, 5, 20, 200),
    temperatures: Sequence[float] = (0.07, 0.1),
    seed: int = 42,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """kNN accuracy with the number of neighbours and the temperature chosen on validation.

    Where the data name no validation split, a part of train held out by `seed` chooses; all of train votes on
    test.

    Returns:
        The numbers of `randquant.probes.linear.score` (one repeat, so `ci95` is None) with `neighbours`,
        `temperature`, `valid_accuracy` and the whole sweep.

    Raises:
        DataError: the features cannot be probed (`randquant.probes.splits.assign`).
    """
    assignment = assign(features.items)
    targets = torch.from_numpy(assignment.targets).to(device)
    fit, choose = assignment.parts(seed=seed)

    def vectors(rows: np.ndarray) -> Tensor:
        return torch.from_numpy(features.vectors[rows]).to(device)

    guesses = predict(vectors(fit), targets[fit], vectors(choose), neighbours=neighbours, temperatures=temperatures)
    valid = (guesses == targets[choose]).double().mean(dim=-1)  # (k, temperature)
    best = divmod(int(valid.argmax()), len(temperatures))
    k, temperature = neighbours[best[0]], temperatures[best[1]]
    everything = vectors(assignment.train)
    predictions = predict(
        everything,
        targets[assignment.train],
        vectors(assignment.test),
        neighbours=[k],
        temperatures=[temperature],
    )[0].cpu()
    majority = int(np.bincount(assignment.targets[assignment.train]).argmax())
    return {
        **score(predictions.numpy(), assignment.targets[assignment.test], majority),
        "neighbours": k,
        "temperature": temperature,
        "valid_accuracy": float(valid[best]),
        "sweep": [
            {"neighbours": a, "temperature": b, "valid_accuracy": float(valid[i, j])}
            for i, a in enumerate(neighbours)
            for j, b in enumerate(temperatures)
        ],
    }


def _vote(
    cosine: Tensor, labels: Tensor, neighbours: Sequence[int], temperatures: Sequence[float], classes: int
) -> Tensor:
    """(k, temperature, m) winners from cosines and labels (m, most), nearest first."""
    winners = []
    for k in neighbours:
        for temperature in temperatures:
            # Subtracting the largest cosine (1) keeps exp from overflowing and changes no winner.
            weights = ((cosine[:, :k] - 1) / temperature).exp()
            votes = weights.new_zeros(len(weights), classes).scatter_add_(1, labels[:, :k], weights)
            winners.append(votes.argmax(dim=1))
    return torch.stack(winners).unflatten(0, (len(neighbours), len(temperatures)))
