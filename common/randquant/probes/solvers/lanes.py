"""Many linear layers trained together: lanes of repeats and folds, and the learning rates of each.

A *lane* is one repeat on one fold: its own initialisation, shuffling and, where the data name no validation split,
held-out part. The learning rates of a lane share its batches, so a step of S lanes and L rates is one batched
product of (S, b, D) by (S, L * C, D) instead of S * L small ones. Each of them equals the layer trained
alone. With `hidden` units the layer becomes two with a ReLU between, trained the same way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from randquant.probes.items.arrangement import Part, Rows
from randquant.probes.solvers.stacked_layers import absorb, backward, forward, initial_parameters, predict
from randquant.probes.solvers.stacked_sgd import StackedSGD

# Weights, moments, best weights and batches of the lanes trained together: on a CPU what stays in its cache, since
# more of them save nothing there; elsewhere enough to keep the device busy.
_CPU_GROUP_BYTES, _GROUP_BYTES = 2**24, 2**31
_BETAS, _EPSILON = (0.9, 0.999), 1e-8  # of Adam


@dataclass(frozen=True)
class LinearSettings:
    """How the layer is trained; the defaults are BYOL-A v1's.

    Attributes:
        learning_rates: rates of the optimiser; the best on validation is scored on test.
        weight_decay: L2 term added to the gradient.
        batch_size: items a step; fewer where train has fewer.
        max_epochs: passes over train at most.
        patience: stop after this many epochs below the best validation accuracy; equalling it counts as
            improving.
        repeats: trainings of each fold, with seeds seed, seed + 1, ...
        divide_loss_by_classes: train on cross-entropy / C, as EVAR does.
        hidden: units of a hidden ReLU layer, None for a linear probe.
        optimizer: "adam", or "sgd" with momentum 0.9.
        schedule: the rate of each epoch, constant or falling along half a cosine.
    """

    learning_rates: tuple[float, ...] = (1e-3,)
    weight_decay: float = 1e-8
    batch_size: int = 200
    max_epochs: int = 200
    patience: int = 10
    repeats: int = 10
    divide_loss_by_classes: bool = False
    hidden: int | None = None
    optimizer: Literal["adam", "sgd"] = "adam"
    schedule: Literal["constant", "cosine"] = "constant"

    def __post_init__(self) -> None:
        if not self.learning_rates or min(self.learning_rates) <= 0:
            raise ValueError(f"learning_rates need at least one rate, all above 0, got {self.learning_rates}")
        if len(set(self.learning_rates)) != len(self.learning_rates):
            raise ValueError(f"learning_rates need to differ from each other, got {self.learning_rates}")
        for name in ("batch_size", "max_epochs", "patience", "repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} needs to be at least 1, got {getattr(self, name)}")
        if self.hidden is not None and self.hidden < 1:
            raise ValueError(f"hidden needs to be at least 1, or None for a linear layer, got {self.hidden}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay needs to be at least 0, got {self.weight_decay}")


@dataclass(frozen=True)
class Lane:
    """One training: rows of x to train and to choose on, its seed, and what x is multiplied by and added to, (D,)."""

    train: Rows
    valid: Rows
    seed: int
    scale: Tensor | None = None
    offset: Tensor | None = None


@dataclass
class Trained:
    """The best weights of every lane and rate.

    Attributes:
        parameters: weight (S, L, outputs, inputs) and bias (S, L, outputs) of each layer in turn.
        valid_accuracy: (S, L), of the weights kept.
        best_epoch: (S, L), the epoch after which they were kept, from 1.
        epochs: (S, L), epochs trained before stopping.
    """

    parameters: list[Tensor]
    valid_accuracy: NDArray[np.float64]
    best_epoch: NDArray[np.int64]
    epochs: NDArray[np.int64]


def train(x: Tensor, targets: Tensor, lanes: Sequence[Lane], classes: int, settings: LinearSettings) -> Trained:
    """Train every lane at every rate.

    Args:
        x: (n, D) float features, standardised but for what a lane scales and adds.
        targets: (n,) int64 class ids on the device of x.
        lanes: trainings; they may differ in rows and in their number. Either all scale x or none does.
        classes: C.
        settings: how to train.

    Lanes are trained in groups that suit the device, which changes no result.
    """
    sizes = [x.shape[1], *([settings.hidden] if settings.hidden else []), classes]
    group = _group(sizes, settings, x)
    parts = [
        _Training(x, targets, lanes[start : start + group], sizes, settings).run()
        for start in range(0, len(lanes), group)
    ]
    return Trained(
        [torch.cat(parameter) for parameter in zip(*(part.parameters for part in parts), strict=True)],
        np.concatenate([part.valid_accuracy for part in parts]),
        np.concatenate([part.best_epoch for part in parts]),
        np.concatenate([part.epochs for part in parts]),
    )


class _Training:
    """The state of lanes trained together; lanes and rates that have stopped leave the products."""

    def __init__(
        self, x: Tensor, targets: Tensor, lanes: Sequence[Lane], sizes: Sequence[int], settings: LinearSettings
    ) -> None:
        self.x, self.targets, self.lanes, self.classes, self.settings = x, targets, lanes, sizes[-1], settings
        self.generators = [torch.Generator().manual_seed(lane.seed) for lane in lanes]
        self.train_rows = [_as_rows(lane.train, x) for lane in lanes]
        rates = len(settings.learning_rates)
        starts = [initial_parameters(sizes, generator) for generator in self.generators]
        # (S, L, ...): all rates of a lane have the same initial weights.
        parameters = [
            torch.stack(lane).to(x).unsqueeze(1).repeat(1, rates, *[1] * lane[0].ndim)
            for lane in zip(*starts, strict=True)
        ]
        make: type[StackedAdam | StackedSGD] = StackedSGD if settings.optimizer == "sgd" else StackedAdam
        self.optimiser = make(parameters, list(settings.learning_rates), settings.weight_decay)
        # The lanes and rates still trained; what is kept of them covers all.
        self.active_lanes, self.active_rates = list(range(len(lanes))), list(range(rates))
        self.best = [parameter.clone() for parameter in parameters]
        self.best_accuracy = np.full((len(lanes), rates), -1.0)
        self.best_epoch = np.zeros((len(lanes), rates), dtype=np.int64)
        self.epochs = np.zeros((len(lanes), rates), dtype=np.int64)
        self.stopped = np.zeros((len(lanes), rates), dtype=bool)

    def run(self) -> Trained:
        for epoch in range(1, self.settings.max_epochs + 1):
            if self.settings.schedule == "cosine":
                self.optimiser.factor = (1.0 + math.cos(math.pi * (epoch - 1) / self.settings.max_epochs)) / 2.0
            self._train_epoch()
            self._keep_best(epoch)
            if self.stopped.all():
                break
            self._drop_stopped()
        return Trained(self.best, self.best_accuracy, self.best_epoch, self.epochs)

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
        parameters = [p if lanes is None else p[lanes] for p in self.optimiser.parameters]
        if self.settings.divide_loss_by_classes:
            share = share / self.classes
        values = forward(parameters, self._batch(rows, list(batches)))
        slope = _slope(values[-1], self.targets[rows]).mul_(share[:, :, None, None])
        self.optimiser.step(backward(parameters, values, slope), lanes)

    def _batch(self, rows: Tensor, positions: list[int]) -> Tensor:
        """(S, b, D) standardised features of rows (S, b) of the lanes at these positions."""
        batch = torch.index_select(self.x, 0, rows.flatten()).unflatten(0, rows.shape)
        for position, part in zip(positions, batch, strict=True):
            lane = self.lanes[self.active_lanes[position]]
            if lane.scale is not None and lane.offset is not None:
                torch.addcmul(lane.offset, part, lane.scale, out=part)
        return batch

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
        shares = []
        for i, lane in enumerate(self.active_lanes):
            valid = self.lanes[lane].valid
            guesses = answer(self.x, valid, [p[i] for p in self.optimiser.parameters], self.lanes[lane])
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


class StackedAdam:
    """Adam (Kingma and Ba, ICLR 2015) as `torch.optim.Adam` computes it, over parameters of S lanes by R rates.

    Args:
        parameters: tensors (S, R, ...), changed in place.
        learning_rates: (R,) rates.
        weight_decay: L2 term added to the gradient.
    """

    def __init__(self, parameters: list[Tensor], learning_rates: list[float], weight_decay: float) -> None:
        self.parameters = parameters
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.learning_rates = torch.tensor(learning_rates, dtype=torch.float64, device=parameters[0].device)
        self.weight_decay, self.factor = weight_decay, 1.0
        self.steps = torch.zeros(len(parameters[0])).to(self.learning_rates)  # a lane

    def step(self, gradients: list[Tensor], lanes: list[int] | None = None) -> None:
        """Take one step in all lanes, or in those listed only.

        Args:
            gradients: shaped as the parameters of these lanes; overwritten.
            lanes: those that have a gradient.
        """
        chosen = slice(None) if lanes is None else lanes
        self.steps[chosen] += 1
        taken = self.steps[chosen]
        root = (1 - _BETAS[1] ** taken).sqrt()[:, None]
        # step * m / (sqrt(v) / root + epsilon), with `root` moved out of the large tensors
        size = self.factor * self.learning_rates / (1 - _BETAS[0] ** taken)[:, None] * root
        for parameter, moments, gradient in zip(self.parameters, self.moments, gradients, strict=True):
            state = (parameter[chosen], moments[0][chosen], moments[1][chosen])
            self._update(*state, gradient, size, root)
            if lanes is not None:  # the three were copies
                for whole, part in zip((parameter, *moments), state, strict=True):
                    whole[lanes] = part

    def keep(self, lanes: list[int], rates: list[int]) -> None:
        """Go on with these lanes and rates alone, by their present positions."""
        self.parameters = [p[lanes][:, rates] for p in self.parameters]
        self.moments = [(first[lanes][:, rates], second[lanes][:, rates]) for first, second in self.moments]
        self.learning_rates = self.learning_rates[rates]
        self.steps = self.steps[lanes]

    def _update(
        self, parameter: Tensor, first: Tensor, second: Tensor, gradient: Tensor, size: Tensor, root: Tensor
    ) -> None:
        def aligned(values: Tensor) -> Tensor:
            return values.to(parameter)[(...,) + (None,) * (parameter.ndim - values.ndim)]

        if self.weight_decay:
            gradient.add_(parameter, alpha=self.weight_decay)
        first.lerp_(gradient, 1 - _BETAS[0])
        second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        change = torch.sqrt(second, out=gradient).add_(aligned(root * _EPSILON))
        parameter.addcmul_(torch.div(first, change, out=change), aligned(-size))


def _slope(logits: Tensor, targets: Tensor) -> Tensor:
    """Gradient of each item's cross-entropy by its logits (S, b, L, C): softmax minus one-hot."""
    slope = logits.softmax(dim=-1)
    index = targets[:, :, None, None].expand(-1, -1, slope.shape[2], 1)
    return slope.scatter_add_(3, index, slope.new_full((), -1.0).expand(index.shape))


def answer(x: Tensor, rows: Rows, parameters: Sequence[Tensor], lane: Lane | Part) -> Tensor:
    """Class ids (S, m) of S classifiers of one lane; what standardises goes into the weights instead of the rows."""
    if lane.scale is not None and lane.offset is not None:
        parameters = absorb(parameters, lane.scale, lane.offset)
    return predict(x, rows, parameters)


def _padded(batches: list[Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rows (S, b) of S batches of at most b, and the weight of each in its batch's mean, 0 where it only pads."""
    width = max(map(len, batches))
    rows = torch.stack([functional.pad(batch, (0, width - len(batch))) for batch in batches])
    counts = torch.tensor([len(batch) for batch in batches], device=rows.device)[:, None]
    return rows, (torch.arange(width, device=rows.device) < counts).to(dtype) / counts


def _group(sizes: Sequence[int], settings: LinearSettings, x: Tensor) -> int:
    """Lanes to train together."""
    weights = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
    lane = x.element_size() * (4 * weights * len(settings.learning_rates) + settings.batch_size * sizes[0])
    return max(1, (_CPU_GROUP_BYTES if x.device.type == "cpu" else _GROUP_BYTES) // lane)


def _as_rows(rows: Rows, x: Tensor) -> Tensor:
    return torch.arange(*rows.indices(len(x)), device=x.device) if isinstance(rows, slice) else rows
