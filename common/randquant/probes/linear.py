"""Linear evaluation: one linear layer on frozen features, every repeat and learning rate trained in one pass.

A *lane* is one repeat: its own initialisation, shuffling and, where the data name no validation split,
held-out part. The learning rates of a lane share its batches, so a step of S lanes and L rates is one batched
product of (S, b, D) by (S, L * C, D) instead of S * L small ones. Each of them equals the layer trained
alone.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from randquant.features import Features
from randquant.probes.intervals import items_interval, repeats_half_width
from randquant.probes.splits import Assignment, assign
from randquant.probes.stacked_adam import StackedAdam

_CHUNK = 8192  # rows read or scored at a time
_LOGITS = 2**25  # numbers a scored chunk may give: 128 MB
_STATE_BYTES = 2**30  # weights, moments and best weights of the lanes trained together


@dataclass(frozen=True)
class LinearSettings:
    """How the layer is trained; the defaults are BYOL-A v1's.

    Attributes:
        learning_rates: rates of Adam; the best on validation is scored on test.
        weight_decay: L2 term added to the gradient.
        batch_size: items a step; fewer where train has fewer.
        max_epochs: passes over train at most.
        patience: stop after this many epochs below the best validation accuracy; equalling it counts as
            improving.
        repeats: lanes, with seeds seed, seed + 1, ...
        divide_loss_by_classes: train on cross-entropy / C, as EVAR does.
    """

    learning_rates: tuple[float, ...] = (1e-3,)
    weight_decay: float = 1e-8
    batch_size: int = 200
    max_epochs: int = 200
    patience: int = 10
    repeats: int = 10
    divide_loss_by_classes: bool = False

    def __post_init__(self) -> None:
        if not self.learning_rates or min(self.learning_rates) <= 0:
            raise ValueError(f"learning_rates need at least one rate, all above 0, got {self.learning_rates}")
        if len(set(self.learning_rates)) != len(self.learning_rates):
            raise ValueError(f"learning_rates need to differ from each other, got {self.learning_rates}")
        for name in ("batch_size", "max_epochs", "patience", "repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} needs to be at least 1, got {getattr(self, name)}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay needs to be at least 0, got {self.weight_decay}")


@dataclass(frozen=True)
class Lane:
    """One repeat: rows of x to train on and to choose on (slices where contiguous), and its seed."""

    train: Tensor | slice
    valid: Tensor | slice
    seed: int


@dataclass
class Trained:
    """The best weights of every lane and rate.

    Attributes:
        weight: (S, L, C, D).
        bias: (S, L, C).
        valid_accuracy: (S, L), of the weights kept.
        best_epoch: (S, L), the epoch after which they were kept, from 1.
        epochs: (S, L), epochs trained before stopping.
    """

    weight: Tensor
    bias: Tensor
    valid_accuracy: NDArray[np.float64]
    best_epoch: NDArray[np.int64]
    epochs: NDArray[np.int64]


def evaluate(
    features: Features,
    settings: LinearSettings = LinearSettings(),
    *,
    seed: int = 42,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Linear-probe accuracy with its uncertainty; the learning rate is chosen on validation, never on test.

    Args:
        features: (n, D) with labels and splits.
        settings: how to train.
        seed: of the first repeat.
        device: where to train; the features in use have to fit there.

    Returns:
        `accuracy` (mean over repeats, in [0, 1]), `ci95` (half-width of the Student t interval over repeats,
        None for one repeat), `ci95_items` (Wilson interval over test items), `accuracies` (one a repeat),
        `valid_accuracy`, `macro_recall` (mean over the classes present in test), `majority_floor` (test share
        of train's largest class), `learning_rate`, `by_learning_rate`, `epochs`, counts, settings and wall
        time.

    Raises:
        DataError: the features cannot be probed (`randquant.probes.splits.assign`).
    """
    started = time.perf_counter()
    assignment = assign(features.items)
    x, targets, lanes, test = _arrange(features, assignment, settings.repeats, seed, device)
    trained = train(x, targets, lanes, len(assignment.classes), settings)
    chosen = int(trained.valid_accuracy.mean(axis=0).argmax())  # the first of equals
    predictions = predict(x, test, trained.weight[:, chosen], trained.bias[:, chosen]).cpu().numpy()
    truth = assignment.targets[assignment.test]
    numbers = score(predictions, truth, _majority(assignment))
    return {
        **numbers,
        "valid_accuracy": float(trained.valid_accuracy[:, chosen].mean()),
        "learning_rate": settings.learning_rates[chosen],
        "epochs": trained.epochs[:, chosen].tolist(),
        "by_learning_rate": _by_rate(trained, settings),
        "repeats": settings.repeats,
        "seeds": [lane.seed for lane in lanes],
        "classes": len(assignment.classes),
        "counts": {
            "train": len(assignment.train),
            "valid": None if assignment.valid is None else len(assignment.valid),
            "test": len(assignment.test),
        },
        "validation": "the valid split" if assignment.valid is not None else "10 % of train, drawn for each repeat",
        "settings": {"probe": "linear", **asdict(settings)},
        "seconds": round(time.perf_counter() - started, 3),
    }


def score(predictions: NDArray[np.int64], truth: NDArray[np.int64], majority: int) -> dict[str, Any]:
    """Numbers of (S, m) predicted class ids, one row a repeat, against (m,) true ones."""
    right = predictions == truth
    accuracies = right.mean(axis=1)
    recalls = [right[:, truth == label].mean() for label in np.unique(truth)]
    accuracy = float(accuracies.mean())
    return {
        "accuracy": accuracy,
        "ci95": repeats_half_width(accuracies.tolist()),
        "ci95_method": "half-width of the Student t interval of the mean over repeats",
        "ci95_items": list(items_interval(accuracy, len(truth))),
        "ci95_items_method": "Wilson score interval over test items",
        "accuracies": accuracies.tolist(),
        "macro_recall": float(np.mean(recalls)),
        "majority_floor": float((truth == majority).mean()),
    }


def train(x: Tensor, targets: Tensor, lanes: Sequence[Lane], classes: int, settings: LinearSettings) -> Trained:
    """Train every lane at every rate.

    Args:
        x: (n, D) float standardised features.
        targets: (n,) int64 class ids on the device of x.
        lanes: repeats; they may differ in rows and in their number.
        classes: C.
        settings: how to train.

    Lanes are trained in groups where their weights together would not fit about a gigabyte.
    """
    lane_bytes = 4 * x.element_size() * (x.shape[1] + 1) * classes * len(settings.learning_rates)
    group = max(1, _STATE_BYTES // lane_bytes)
    parts = [
        _Training(x, targets, lanes[start : start + group], classes, settings).run()
        for start in range(0, len(lanes), group)
    ]
    return Trained(
        torch.cat([part.weight for part in parts]),
        torch.cat([part.bias for part in parts]),
        np.concatenate([part.valid_accuracy for part in parts]),
        np.concatenate([part.best_epoch for part in parts]),
        np.concatenate([part.epochs for part in parts]),
    )


def predict(x: Tensor, rows: Tensor | slice, weight: Tensor, bias: Tensor) -> Tensor:
    """Class ids (S, m) that layers (S, C, D), (S, C) give to the m selected rows of x (n, D)."""
    flat, offset = weight.flatten(0, 1).T, bias.flatten()
    chunk = max(1, min(_CHUNK, _LOGITS // len(offset)))
    guesses = [torch.addmm(offset, part, flat).unflatten(1, bias.shape).argmax(dim=-1) for part in x[rows].split(chunk)]
    return torch.cat(guesses).T


def initial_layer(dimension: int, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weight (C, D) and bias (C,) drawn as `torch.nn.Linear` does: uniform within 1 / sqrt(D)."""
    bound = dimension**-0.5
    weight = torch.rand(classes, dimension, generator=generator).mul_(2 * bound).sub_(bound)
    return weight, torch.rand(classes, generator=generator).mul_(2 * bound).sub_(bound)


def standardise_(x: Tensor, train_rows: int) -> Tensor:
    """Give each column of x (n, D) mean 0 and deviation 1 over its first `train_rows` rows, in place.

    Columns constant over those rows are only centred, as scikit-learn's `StandardScaler` does.
    """
    head = x[:train_rows]
    mean = sum(chunk.double().sum(dim=0) for chunk in head.split(_CHUNK)) / train_rows
    variance = sum((chunk.double() - mean).square_().sum(dim=0) for chunk in head.split(_CHUNK)) / train_rows
    deviation = variance.sqrt()
    # A column is constant when its deviation is only the rounding of its mean.
    deviation = torch.where(deviation <= 1e-7 * mean.abs(), torch.ones_like(deviation), deviation)
    deviation = torch.where(deviation == 0, torch.ones_like(deviation), deviation)
    return x.sub_(mean.to(x.dtype)).div_(deviation.to(x.dtype))


class _Training:
    """The state of lanes trained together; lanes and rates that have stopped leave the products."""

    def __init__(
        self, x: Tensor, targets: Tensor, lanes: Sequence[Lane], classes: int, settings: LinearSettings
    ) -> None:
        self.x, self.targets, self.lanes, self.classes, self.settings = x, targets, lanes, classes, settings
        self.generators = [torch.Generator().manual_seed(lane.seed) for lane in lanes]
        self.train_rows = [_as_rows(lane.train, x) for lane in lanes]
        rates = len(settings.learning_rates)
        layers = [initial_layer(x.shape[1], classes, generator) for generator in self.generators]
        # (S, L, C, D) and (S, L, C): the rates of a lane start alike.
        weight = torch.stack([weight for weight, _ in layers]).to(x)[:, None].repeat(1, rates, 1, 1)
        bias = torch.stack([bias for _, bias in layers]).to(x)[:, None].repeat(1, rates, 1)
        self.optimiser = StackedAdam([weight, bias], list(settings.learning_rates), settings.weight_decay)
        # The lanes and rates still trained; what is kept of them covers all.
        self.active_lanes, self.active_rates = list(range(len(lanes))), list(range(rates))
        self.best = [weight.clone(), bias.clone()]
        self.best_accuracy = np.full((len(lanes), rates), -1.0)
        self.best_epoch = np.zeros((len(lanes), rates), dtype=np.int64)
        self.epochs = np.zeros((len(lanes), rates), dtype=np.int64)
        self.stopped = np.zeros((len(lanes), rates), dtype=bool)

    def run(self) -> Trained:
        for epoch in range(1, self.settings.max_epochs + 1):
            self._train_epoch()
            self._keep_best(epoch)
            if self.stopped.all():
                break
            self._drop_stopped()
        weight, bias = self.best
        return Trained(weight, bias, self.best_accuracy, self.best_epoch, self.epochs)

    def _train_epoch(self) -> None:
        """One shuffled pass; lanes with fewer batches sit out the surplus steps."""
        batches = []
        for lane in self.active_lanes:
            rows = self.train_rows[lane]
            order = torch.randperm(len(rows), generator=self.generators[lane]).to(rows.device)
            batches.append(rows[order].split(min(self.settings.batch_size, len(rows))))
        for step in range(max(map(len, batches))):
            self._step({lane: split[step] for lane, split in enumerate(batches) if step < len(split)})

    def _step(self, batches: dict[int, Tensor]) -> None:
        """One Adam step of the lanes (by position) that have a batch of rows."""
        rows, share = _padded(list(batches.values()), self.x.dtype)
        lanes = None if len(batches) == len(self.active_lanes) else list(batches)
        weight, bias = (p if lanes is None else p[lanes] for p in self.optimiser.parameters)
        if self.settings.divide_loss_by_classes:
            share = share / self.classes
        batch = torch.index_select(self.x, 0, rows.flatten()).unflatten(0, rows.shape)
        slope = self._slope(batch, self.targets[rows], weight, bias).mul_(share.unsqueeze(2))
        gradients = [torch.bmm(slope.mT, batch).view_as(weight), slope.sum(dim=1).view_as(bias)]
        self.optimiser.step(gradients, lanes)

    def _slope(self, batch: Tensor, targets: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Gradient of each item's cross-entropy by its logits, softmax minus one-hot: (S, b, L * C)."""
        flat = weight.flatten(1, 2).mT
        logits = torch.baddbmm(bias.flatten(1).unsqueeze(1), batch, flat)
        slope = logits.unflatten(2, (-1, self.classes)).softmax(dim=-1)
        index = targets[:, :, None, None].expand(-1, -1, slope.shape[2], 1)
        return slope.scatter_add_(3, index, slope.new_full((), -1.0).expand(index.shape)).flatten(2)

    def _keep_best(self, epoch: int) -> None:
        """Score the epoch on validation, keep what is not worse, stop what has run out of patience."""
        accuracy = self._valid_accuracy()
        for i, lane in enumerate(self.active_lanes):
            for j, rate in enumerate(self.active_rates):
                if self.stopped[lane, rate]:
                    continue
                self.epochs[lane, rate] = epoch
                if accuracy[i, j] >= self.best_accuracy[lane, rate]:
                    self.best_accuracy[lane, rate], self.best_epoch[lane, rate] = accuracy[i, j], epoch
                    for best, parameter in zip(self.best, self.optimiser.parameters, strict=True):
                        best[lane, rate] = parameter[i, j]
                elif epoch - self.best_epoch[lane, rate] >= self.settings.patience:
                    self.stopped[lane, rate] = True

    def _valid_accuracy(self) -> NDArray[np.float64]:
        """(active lanes, active rates) share of validation items that are right."""
        weight, bias = self.optimiser.parameters
        shares = []
        for i, lane in enumerate(self.active_lanes):
            valid = self.lanes[lane].valid
            guesses = predict(self.x, valid, weight[i], bias[i])
            shares.append((guesses == self.targets[valid]).double().mean(dim=1))
        return torch.stack(shares).cpu().numpy()

    def _drop_stopped(self) -> None:
        """Take out lanes all of whose rates have stopped, and rates that have stopped in every lane."""
        lanes = [i for i, lane in enumerate(self.active_lanes) if not self.stopped[lane].all()]
        rates = [j for j, rate in enumerate(self.active_rates) if not self.stopped[:, rate].all()]
        if len(lanes) == len(self.active_lanes) and len(rates) == len(self.active_rates):
            return
        self.optimiser.keep(lanes, rates)
        self.active_lanes = [self.active_lanes[i] for i in lanes]
        self.active_rates = [self.active_rates[j] for j in rates]


def _padded(batches: list[Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rows (S, b) of S batches of at most b, and the weight of each in its batch's mean, 0 where it only pads."""
    width = max(map(len, batches))
    rows = torch.stack([functional.pad(batch, (0, width - len(batch))) for batch in batches])
    counts = torch.tensor([len(batch) for batch in batches], device=rows.device)[:, None]
    return rows, (torch.arange(width, device=rows.device) < counts).to(dtype) / counts


def _arrange(
    features: Features, assignment: Assignment, repeats: int, seed: int, device: str | torch.device
) -> tuple[Tensor, Tensor, list[Lane], slice]:
    """Standardised features in the order train, valid, test; their targets; the lanes; where test lies."""
    valid = assignment.valid if assignment.valid is not None else np.empty(0, dtype=np.int64)
    order = np.concatenate([assignment.train, valid, assignment.test])
    x = torch.empty(len(order), features.vectors.shape[1], device=device)
    for start in range(0, len(order), _CHUNK):  # in pieces: a memory map may be larger than memory
        x[start : start + _CHUNK] = torch.from_numpy(features.vectors[order[start : start + _CHUNK]])
    standardise_(x, len(assignment.train))
    targets = torch.from_numpy(assignment.targets[order]).to(device)
    lanes = [_lane(assignment, seed + repeat, device) for repeat in range(repeats)]
    return x, targets, lanes, slice(len(assignment.train) + len(valid), len(order))


def _lane(assignment: Assignment, seed: int, device: str | torch.device) -> Lane:
    count = len(assignment.train)
    if assignment.valid is not None:
        return Lane(slice(0, count), slice(count, count + len(assignment.valid)), seed)
    # `train` is ascending and comes first in x, so a row's position is its rank in `train`.
    parts = (torch.from_numpy(np.searchsorted(assignment.train, part)) for part in assignment.parts(seed=seed))
    fit, choose = (part.to(device) for part in parts)
    return Lane(fit, choose, seed)


def _as_rows(rows: Tensor | slice, x: Tensor) -> Tensor:
    return torch.arange(*rows.indices(len(x)), device=x.device) if isinstance(rows, slice) else rows


def _majority(assignment: Assignment) -> int:
    return int(np.bincount(assignment.targets[assignment.train]).argmax())


def _by_rate(trained: Trained, settings: LinearSettings) -> list[dict[str, Any]]:
    return [
        {
            "learning_rate": rate,
            "valid_accuracy": float(trained.valid_accuracy[:, index].mean()),
            "epochs": float(trained.epochs[:, index].mean()),
        }
        for index, rate in enumerate(settings.learning_rates)
    ]
