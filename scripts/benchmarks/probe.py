"""Linear evaluation: all rates and seeds together, and optima along a path of penalties or of C."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.data.features import Features
from randquant.probes import linear, logistic
from randquant.probes.items.arrangement import Part
from randquant.probes.items.splits import assignments
from randquant.probes.solvers.lanes import Lane, LinearSettings, train
from randquant.probes.solvers.linear_svm import GramSolver, LinearSolver
from randquant.scripts.measuring.pair import Call, Pair

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
            lambda targets=targets: [_alone(x, targets, rate, 1, 18_000) for rate in _RATES * len(lanes)],  # type: ignore[misc]
            "torch.nn.Linear one by one",
        )


def probe_paths(device: str, *, large: bool = False) -> Iterator[Pair]:
    """Whole evaluations: the path of penalties and lanes together against layers one by one, and sweeps of C.

    Times are of the processor, since a shared machine does other things in those minutes.

    Args:
        device: cpu or cuda.
        large: 20,000 x 2,048 and 9,840 x 2,048 instead of 5,000 x 512 and 3,000 x 256, so tens of minutes.
    """
    train_items, valid, dimension = (18_000, 2000, 2048) if large else (4500, 500, 512)
    features = _features(35, {"train": train_items, "valid": valid, "test": valid}, dimension)
    x = torch.from_numpy(features.vectors).to(device)
    targets = torch.tensor([int(label or 0) for label in features.labels], device=device)
    settings = LinearSettings(_RATES, repeats=3)
    shape = f"{train_items + valid:,} x {dimension:,}, 35 classes"
    for name, fast in (
        ("logistic", lambda: logistic.evaluate(features, device=device)),
        ("linear, 15 lanes together", lambda: linear.evaluate(features, settings, device=device)),
    ):
        yield _whole(
            f"{name}, {shape}",
            fast,
            lambda: [_alone(x, targets, rate, settings.max_epochs, train_items) for rate in _RATES * settings.repeats],
            "15 layers one by one",
        )
    yield from _sweeps(device, *((9840, 2048, 40) if large else (3000, 256, 20)), large=large)


def _sweeps(device: str, train_items: int, dimension: int, classes: int, *, large: bool) -> Iterator[Pair]:
    from sklearn.svm import SVC, LinearSVC

    features = _features(classes, {"train": train_items, "test": 1000}, dimension)
    (task,) = assignments(features.items)
    x, positions = torch.from_numpy(features.vectors).to(device), np.arange(len(features))
    part = Part(task, positions, torch.device(device))
    seen, truth = features.vectors[task.train].astype(np.float64), task.targets[task.train]
    shape = f"8 C, {train_items:,} x {dimension:,}, {classes} classes"

    def swept(make: type[LinearSolver | GramSolver], strengths: Sequence[float]) -> NDArray[np.int64]:
        return make(x, part, standardise=True).predict(task.train, task.test, strengths)

    yield _whole(
        f"LinearSVC, {shape}",
        lambda: swept(LinearSolver, _STRENGTHS),
        lambda: [swept(LinearSolver, [strength]) for strength in _STRENGTHS],
        "8 fits one by one",
    )
    # One class against the others is a problem of its own there, and all of them would take hours.
    problem = (truth == 0) if large else truth
    yield _whole(
        f"LinearSVC, {shape}",
        lambda: swept(LinearSolver, _STRENGTHS),
        lambda: [LinearSVC(C=strength, dual=False).fit(seen, problem) for strength in _STRENGTHS],
        f"scikit-learn, {f'1 of {classes} classes' if large else '8 fits'}",
    )
    yield _whole(
        f"SVC, {shape}",
        lambda: swept(GramSolver, _STRENGTHS),
        lambda: [SVC(C=strength, kernel="linear").fit(seen, truth) for strength in _STRENGTHS],
        "scikit-learn, 8 fits",
    )


def _whole(name: str, fast: Call, twin: Call, twin_name: str) -> Pair:
    return Pair(name, fast, twin, twin_name, clock=time.process_time, warm_up=False)


def _alone(x: Tensor, targets: Tensor, rate: float, epochs: int, items: int) -> float:
    """Validation accuracy of a layer trained on the first rows by Adam to its early stop; a ninth as many validate."""
    valid = slice(items, items + items // 9)
    settings = LinearSettings()
    layer = nn.Linear(x.shape[1], int(targets.max()) + 1, device=x.device)
    adam = torch.optim.Adam(layer.parameters(), rate, weight_decay=settings.weight_decay)
    best, since = -1.0, 0
    for _ in range(epochs):
        for rows in torch.randperm(items).to(x.device).split(settings.batch_size):
            adam.zero_grad()
            F.cross_entropy(layer(x[rows]), targets[rows]).backward()
            adam.step()
        with torch.no_grad():
            right = (layer(x[valid]).argmax(1) == targets[valid]).float().mean().item()
        best, since = (right, 0) if right >= best else (best, since + 1)
        if since >= settings.patience:
            break
    return best


def _features(classes: int, splits: dict[str, int], dimension: int) -> Features:
    """Standardised features of falling spectrum, as rectified mixtures of factors that the class shifts."""
    draw = torch.Generator().manual_seed(0)
    count = sum(splits.values())
    targets = torch.randint(classes, (count,), generator=draw)
    loads = torch.randn(_FACTORS, dimension, generator=draw) * torch.arange(1, _FACTORS + 1)[:, None] ** -0.5
    factors = torch.randn(count, _FACTORS, generator=draw)
    factors += 0.25 * torch.randn(classes, _FACTORS, generator=draw)[targets]
    x = (factors @ loads).relu_().add_(torch.randn(count, dimension, generator=draw), alpha=0.05)
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    roles = [role for role, share in splits.items() for _ in range(share)]
    labels: Sequence[str] = [str(target) for target in targets.tolist()]
    return Features(x.numpy(), [str(row) for row in range(count)], labels, [None] * count, roles)
