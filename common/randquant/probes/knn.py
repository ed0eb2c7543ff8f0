"""Weighted cosine k-nearest neighbours: nothing is fitted, so it can monitor a training too.

Votes are exp(cosine / temperature) (Wu et al., CVPR 2018).
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from randquant.data.features import Features
from randquant.probes.classifier import Classifier, Form, votes
from randquant.probes.items.arrangement import Arrangement, Device, Part, TaskFeatures, arrange, chunks, first_of
from randquant.probes.items.splits import Assignment, assignments
from randquant.probes.outcome import Details, Outcome, outcome_of
from randquant.probes.probe import Probe

_SIMILARITIES = 2**25  # cosines held at a time: 128 MB


def _check(neighbours: Sequence[int], temperatures: Sequence[float]) -> None:
    if not neighbours or min(neighbours) < 1:
        raise ValueError(f"neighbours need to be at least 1, got {list(neighbours)}")
    if not temperatures or min(temperatures) <= 0:
        raise ValueError(f"temperatures need to be above 0, got {list(temperatures)}")


@dataclass(frozen=True)
class KnnSettings:
    """The candidates tried on validation.

    Attributes:
        neighbours: numbers of neighbours that vote; one above the number of training items means all.
        temperatures: of the votes; the lower, the more the nearest count.
    """

    neighbours: tuple[int, ...] = (1, 5, 20, 200)
    temperatures: tuple[float, ...] = (0.07, 0.1)

    def __post_init__(self) -> None:
        _check(self.neighbours, self.temperatures)


@dataclass(frozen=True, kw_only=True)
class KnnDetails(Details):
    """The choice, and the validation accuracy of every candidate."""

    WORDS: ClassVar[str] = "by {neighbours} nearest neighbours, temperature {temperature:g}, chosen on validation"
    neighbours: int
    temperature: float
    sweep: list[dict[str, float]]


def predict(
    train: Tensor, train_labels: Tensor, queries: Tensor, *, neighbours: Sequence[int], temperatures: Sequence[float]
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
    _check(neighbours, temperatures)
    bank = functional.normalize(train.float(), dim=1)
    classes = int(train_labels.max()) + 1
    return _predict(bank, train_labels, queries, neighbours, temperatures, classes)


def accuracy(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 20, temperature: float = 0.07
) -> float:
    """Share of `test` (m, D) whose label (m,) the k nearest of `train` (n, D) vote for: an online monitor."""
    predicted = predict(train, train_labels, test, neighbours=[k], temperatures=[temperature])[0, 0]
    return float((predicted == test_labels).double().mean())


def evaluate(
    features: TaskFeatures, settings: KnnSettings = KnnSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[KnnDetails]:
    """kNN accuracy with the number of neighbours and the temperature chosen on validation, the same for all folds.

    Where the data name no validation split, a part of train held out by `seed` chooses; all of train votes on
    test.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    tasks = assignments(first_of(features).items)
    arrangement = arrange(features, tasks, device, standardised=False)
    functional.normalize(arrangement.x, dim=1, out=arrangement.x)
    # (k, temperature), the mean of folds
    valid = np.mean([_valid_accuracy(arrangement, part, settings, seed) for part in arrangement.parts], axis=0)
    best = divmod(int(valid.argmax()), len(settings.temperatures))
    chosen = KnnSettings((settings.neighbours[best[0]],), (settings.temperatures[best[1]],))
    predictions = []
    for part in arrangement.parts:
        guesses = _votes(arrangement, part, part.assignment.train, part.assignment.test, chosen)
        predictions.append(guesses[0].cpu().numpy())
    details = KnnDetails(
        neighbours=chosen.neighbours[0],
        temperature=chosen.temperatures[0],
        valid_accuracy=float(valid[best]),
        sweep=[
            {"neighbours": k, "temperature": temperature, "valid_accuracy": share}
            for (k, temperature), share in zip(
                product(settings.neighbours, settings.temperatures), valid.ravel().tolist(), strict=True
            )
        ],
        seeds=[seed],
        settings={"probe": "knn", **asdict(settings)},
    )
    items = first_of(features).items
    fitted = partial(_classifier, first_of(features), tasks[0], details)
    return outcome_of("knn", items, tasks, predictions, details, started=started, fitted=fitted)


def _classifier(features: Features, task: Assignment, chosen: KnnDetails) -> Classifier:
    bank = functional.normalize(torch.cat(list(chunks(features, task.train, "cpu"))), dim=1)
    tensors = {"bank": bank, "labels": torch.from_numpy(task.targets[task.train])}
    neighbours, temperature = chosen.neighbours, chosen.temperature
    form = Form(kind="neighbours", classes=task.classes, neighbours=neighbours, temperature=temperature)
    return Classifier(form, tensors)


def _valid_accuracy(arrangement: Arrangement, part: Part, settings: KnnSettings, seed: int) -> NDArray[np.float64]:
    """(k, temperature) share of validation items that are right."""
    fit, choose = part.assignment.parts(seed=seed)
    guesses = _votes(arrangement, part, fit, choose, settings)
    return (guesses == arrangement.targets[part.rows(choose)]).double().mean(dim=-1).cpu().numpy()


def _votes(
    arrangement: Arrangement, part: Part, bank: NDArray[np.int64], queries: NDArray[np.int64], settings: KnnSettings
) -> Tensor:
    """(k, temperature, m) class ids for rows of the features; the arrangement is of unit length."""
    here, asked, classes = part.rows(bank), arrangement.x[part.rows(queries)], len(part.assignment.classes)
    known, labels = arrangement.x[here], arrangement.targets[here]
    return _predict(known, labels, asked, settings.neighbours, settings.temperatures, classes)


def _predict(
    bank: Tensor,
    labels: Tensor,
    queries: Tensor,
    neighbours: Sequence[int],
    temperatures: Sequence[float],
    classes: int,
) -> Tensor:
    """As `predict`, with a bank (n, D) of unit length."""
    most = min(max(neighbours), len(bank))
    predictions = []
    for chunk in queries.split(max(1, _SIMILARITIES // max(len(bank), classes))):
        cosine, nearest = (functional.normalize(chunk.float(), dim=1) @ bank.T).topk(most, dim=1)
        near = labels[nearest]
        winners = [
            votes(cosine[:, :k], near[:, :k], t, classes).argmax(dim=1) for k in neighbours for t in temperatures
        ]
        predictions.append(torch.stack(winners).unflatten(0, (len(neighbours), len(temperatures))))
    return torch.cat(predictions, dim=2)


KNN = Probe(evaluate, KnnSettings(), KnnDetails)
