"""Linear evaluation: all rates and seeds together, and optima along a path of penalties or of C."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.data.features import Features
from randquant.probes import logistic
from randquant.probes.items.arrangement import Part
from randquant.probes.items.splits import assignments
from randquant.probes.solvers.lanes import Lane, LinearSettings, train
from randquant.probes.solvers.linear_svm import GramSolver, LinearSolver
from randquant.scripts.measuring.pair import Pair

_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
_DIMENSION, _FACTORS = 2048, 128
_STRENGTHS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def linear_probe(device: str) -> Iterator[Pair]:
    """One epoch of linear evaluation of 20,000 x 2,048 features, 18,000 of them for training."""
    x = torch.randn(20_000, _DIMENSION, device=device)
    lanes = [Lane(slice(0, 18_000), slice(18_000, 20_000), seed) for seed in range(3)]
    settings = LinearSettings(_RATES, max_epochs=1)
    for classes in (10, 35):
        targets = torch.arange(20_000, device=device) % classes
        yield Pair(
            f"linear probe epoch, 3 x 5, {classes} classes",
            lambda targets=targets, classes=classes: train(x, targets, lanes, classes, settings),  # type: ignore[misc]
            lambda targets=targets: [_alone(x, targets, rate, 1) for rate in _RATES * len(lanes)],  # type: ignore[misc]
            "torch.nn.Linear one by one",
        )


def probe_paths(device: str) -> Iterator[Pair]:
    """Whole evaluations: the path of penalties against Adam to its early stop, sweeps of C against fits one by one.

    Times are of the processor, since the twins take minutes in which a shared machine does other things.
    """
    features = _features(35, {"train": 18_000, "valid": 2000, "test": 2000})
    x = torch.from_numpy(features.vectors).to(device)
    targets = torch.tensor([int(label or 0) for label in features.labels], device=device)
    yield Pair(
        "logistic, 20,000 x 2,048, 35 classes",
        lambda: logistic.evaluate(features, device=device),
        lambda: [_alone(x, targets, rate, LinearSettings().max_epochs) for rate in _RATES],
        "5 rates one by one, early stopping",
        clock=time.process_time,
        warm_up=False,
    )
    yield from _sweeps(device)


def _sweeps(device: str) -> Iterator[Pair]:
    from sklearn.svm import SVC, LinearSVC

    features = _features(40, {"train": 9840, "test": 2000})
    (task,) = assignments(features.items)
    x, positions = torch.from_numpy(features.vectors).to(device), np.arange(len(features))
    part = Part(task, positions, torch.device(device))
    seen, truth = features.vectors[task.train].astype(np.float64), task.targets[task.train]
    for name, make, machine in (
        ("SVC", GramSolver, lambda strength: SVC(C=strength, kernel="linear")),
        ("LinearSVC", LinearSolver, lambda strength: LinearSVC(C=strength, dual=False)),
    ):
        yield Pair(
            f"{name}, 8 C, 9,840 x 2,048, 40 classes",
            lambda make=make: make(x, part, standardise=True).predict(task.train, task.test, _STRENGTHS),  # type: ignore[misc]
            lambda machine=machine: [machine(strength).fit(seen, truth) for strength in _STRENGTHS],  # type: ignore[misc]
            f"scikit-learn's {name}, 8 fits",
            clock=time.process_time,
            warm_up=False,
        )


def _alone(x: Tensor, targets: Tensor, rate: float, epochs: int) -> float:
    """Accuracy on the 2,000 validation rows of a layer trained on the 18,000 before, by Adam to its early stop."""
    settings = LinearSettings()
    layer = nn.Linear(x.shape[1], int(targets.max()) + 1, device=x.device)
    adam = torch.optim.Adam(layer.parameters(), rate, weight_decay=settings.weight_decay)
    best, since = -1.0, 0
    for _ in range(epochs):
        for rows in torch.randperm(18_000).to(x.device).split(settings.batch_size):
            adam.zero_grad()
            F.cross_entropy(layer(x[rows]), targets[rows]).backward()
            adam.step()
        with torch.no_grad():
            right = (layer(x[18_000:20_000]).argmax(1) == targets[18_000:20_000]).float().mean().item()
        best, since = (right, 0) if right >= best else (best, since + 1)
        if since >= settings.patience:
            break
    return best


def _features(classes: int, splits: dict[str, int]) -> Features:
    """Standardised features of falling spectrum, as rectified mixtures of factors that the class shifts."""
    draw = torch.Generator().manual_seed(0)
    count = sum(splits.values())
    targets = torch.randint(classes, (count,), generator=draw)
    loads = torch.randn(_FACTORS, _DIMENSION, generator=draw) * torch.arange(1, _FACTORS + 1)[:, None] ** -0.5
    factors = torch.randn(count, _FACTORS, generator=draw)
    factors += 0.25 * torch.randn(classes, _FACTORS, generator=draw)[targets]
    x = (factors @ loads).relu_().add_(torch.randn(count, _DIMENSION, generator=draw), alpha=0.05)
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    roles = [role for role, share in splits.items() for _ in range(share)]
    labels: Sequence[str] = [str(target) for target in targets.tolist()]
    return Features(x.numpy(), [str(row) for row in range(count)], labels, [None] * count, roles)
