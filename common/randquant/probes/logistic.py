"""Multinomial logistic regression by L-BFGS: the linear probe trained to its optimum, a check on the one by Adam."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.classifier import layers
from randquant.probes.items.arrangement import Arrangement, Device, Part, Rows, TaskFeatures, arrange, first_of
from randquant.probes.items.splits import assignments
from randquant.probes.outcome import Details, Outcome, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.solvers.stacked_layers import absorb, predict

_LOGITS = 2**23  # logits held at a time: 32 MB
SAMPLE = 4096  # items that tell the curvature of the loss


@dataclass(frozen=True)
class LogisticSettings:
    """The candidates tried on validation, and the convergence criterion.

    Attributes:
        strengths: weights C of the loss, as scikit-learn's: C * sum of cross-entropies + |weights|^2 / 2.
        max_iterations: of L-BFGS for each strength.
        tolerance: largest entry of the gradient of the mean loss at which a fit has converged;
            the default is scikit-learn's.
    """

    strengths: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
    max_iterations: int = 200
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if not self.strengths or min(self.strengths) <= 0:
            raise ValueError(f"strengths need at least one value, all above 0, got {self.strengths}")
        if list(self.strengths) != sorted(set(self.strengths)):
            raise ValueError(f"strengths need to ascend, since each fit starts from the last, got {self.strengths}")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations needs to be at least 1, got {self.max_iterations}")
        if self.tolerance <= 0:
            raise ValueError(f"tolerance needs to be above 0, got {self.tolerance}")


@dataclass(frozen=True, kw_only=True)
class LogisticDetails(Details):
    """What was chosen, the iterations of the fits that were scored, and the validation accuracy of every choice."""

    WORDS: ClassVar[str] = "by logistic regression, C {strength:g}"
    strength: float
    iterations: list[int]
    sweep: list[dict[str, float]]


def evaluate(
    features: TaskFeatures, settings: LogisticSettings = LogisticSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[LogisticDetails]:
    """Accuracy of logistic regression with its strength chosen on validation, the same for all folds.

    Where the data name no validation split, a part of train held out by `seed` chooses; the classifier scored is
    fitted on all of train.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    tasks = assignments(first_of(features).items)
    arrangement = arrange(features, tasks, device)
    classes = len(tasks[0].classes)
    paths = [_path(arrangement, part, classes, settings, seed) for part in arrangement.parts]
    valid = np.mean([path.valid_accuracy for path in paths], axis=0)
    chosen = int(valid.argmax())  # the first of equals
    found = [
        _scored(arrangement, part, path, chosen, settings) for part, path in zip(arrangement.parts, paths, strict=True)
    ]
    details = LogisticDetails(
        strength=settings.strengths[chosen],
        valid_accuracy=float(valid[chosen]),
        iterations=[each.iterations for each in found],
        sweep=tried("strength", settings.strengths, valid),
        seeds=[seed],
        settings={"probe": "logistic", **asdict(settings)},
    )
    fitted = partial(layers, found[0].parameters, tasks[0].classes, arrangement.parts[0].moments)
    predictions = [each.predictions for each in found]
    return outcome_of("logistic", first_of(features).items, tasks, predictions, details, started=started, fitted=fitted)


@dataclass(frozen=True)
class _Scored:
    """A fit on all of train: its parameters, the iterations it took, and its predictions (1, m) of the test items."""

    parameters: list[Tensor]
    iterations: int
    predictions: NDArray[np.int64]


@dataclass
class _Path:
    """Fits of ascending strength: parameters [weight (C, D), bias (C,)], iterations and validation accuracies."""

    parameters: list[list[Tensor]]
    iterations: list[int]
    valid_accuracy: NDArray[np.float64]


def fit(
    problem: "Problem", strength: float, start: Sequence[Tensor], settings: LogisticSettings
) -> tuple[list[Tensor], int]:
    """The optimum for one strength, and the iterations it took.

    Args:
        problem: features and class ids.
        strength: C.
        start: weight (C, D) and bias (C,) to begin with.
        settings: when to stop.
    """
    parameters = [parameter.clone() for parameter in start]
    optimiser = torch.optim.LBFGS(
        parameters,
        max_iter=settings.max_iterations,
        tolerance_grad=settings.tolerance,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> float:
        loss, gradients = problem.loss(parameters, 1 / (strength * problem.count))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return loss

    optimiser.step(closure)
    return parameters, optimiser.state[parameters[0]]["n_iter"]


class Problem:
    """Mean cross-entropy of the selected rows of x (n, D), where x * scale + offset is what is classified."""

    def __init__(
        self, x: Tensor, targets: Tensor, rows: Rows, scale: Tensor | None = None, offset: Tensor | None = None
    ) -> None:
        self.x, self.targets = x[rows], targets[rows]
        self.count = len(self.x)
        self.scale, self.offset = scale, offset

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """Loss with penalty / 2 * |weights|^2, and its gradients by weight (C, D) and bias (C,)."""
        weight, bias = self._on_raw(parameters)
        slopes, totals, loss = torch.zeros_like(weight), torch.zeros_like(bias), bias.new_zeros(()).double()
        size = max(1, _LOGITS // len(bias))
        for x, targets in zip(self.x.split(size), self.targets.split(size), strict=True):
            lost, slope = self.slope(torch.addmm(bias, x, weight.T), targets.unsqueeze(1))
            loss += lost
            slopes.addmm_(slope.T, x)
            totals += slope.sum(dim=0)
        if self.scale is not None and self.offset is not None:
            slopes = slopes * self.scale + torch.outer(totals, self.offset)
        squares = float(parameters[0].double().square().sum())
        return float(loss) / self.count + penalty / 2 * squares, [
            slopes.div_(self.count).add_(parameters[0], alpha=penalty),
            totals / self.count,
        ]

    def slope(self, logits: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses, in float64, and their gradient by the logits (b, C), of true classes `own` (b, 1)."""
        logs = logits.log_softmax(dim=1)
        lost = -logs.gather(1, own).double().sum()
        return lost, logs.exp_().scatter_add_(1, own, logs.new_full((), -1.0).expand(own.shape))

    def curvature(self, parameters: Sequence[Tensor]) -> Tensor:
        """(C,) mean second derivative of the loss by the logits of each class, of a share of the items."""
        weight, bias = self._on_raw(parameters)
        rows = self.x[:: 1 + self.count // SAMPLE]
        chances = torch.addmm(bias, rows, weight.T).softmax(dim=1)
        return (chances * (1 - chances)).mean(dim=0)

    def _on_raw(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        if self.scale is None or self.offset is None:
            return list(parameters)
        return absorb(parameters, self.scale, self.offset)


def _path(arrangement: Arrangement, part: Part, classes: int, settings: LogisticSettings, seed: int) -> _Path:
    """Fits of every strength, each started from the weaker before it."""
    rows, choose = part.assignment.parts(seed=seed)
    problem = Problem(arrangement.x, arrangement.targets, part.rows(rows), part.scale, part.offset)
    parameters = [arrangement.x.new_zeros(classes, arrangement.x.shape[1]), arrangement.x.new_zeros(classes)]
    path = _Path([], [], np.empty(0))
    for strength in settings.strengths:
        parameters, iterations = fit(problem, strength, parameters, settings)
        path.parameters.append(parameters)
        path.iterations.append(iterations)
    guesses = _predict(arrangement, part, choose, path.parameters)
    path.valid_accuracy = (guesses == part.assignment.targets[choose]).mean(axis=1)
    return path


def _scored(arrangement: Arrangement, part: Part, path: _Path, chosen: int, settings: LogisticSettings) -> _Scored:
    """The chosen strength fitted on all of train."""
    parameters, iterations = path.parameters[chosen], path.iterations[chosen]
    if part.assignment.valid is None:  # a part of train was held out
        rows = part.rows(part.assignment.train)
        problem = Problem(arrangement.x, arrangement.targets, rows, part.scale, part.offset)
        parameters, iterations = fit(problem, settings.strengths[chosen], parameters, settings)
    return _Scored(parameters, iterations, _predict(arrangement, part, part.assignment.test, [parameters]))


def _predict(
    arrangement: Arrangement, part: Part, rows: NDArray[np.int64], fits: Sequence[Sequence[Tensor]]
) -> NDArray[np.int64]:
    """(S, m) class ids that S fits give to rows of the features."""
    stacked = [torch.stack(list(parameter)) for parameter in zip(*fits, strict=True)]
    if part.scale is not None and part.offset is not None:
        stacked = absorb(stacked, part.scale, part.offset)
    return predict(arrangement.x, part.rows(rows), stacked).cpu().numpy()


LOGISTIC = Probe(evaluate, LogisticSettings(), LogisticDetails)
