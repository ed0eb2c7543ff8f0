"""Multinomial logistic regression along a path of penalties: the linear probe without a learning rate, in few passes.

The published protocols train the layer by Adam and stop early, which is the probe `linear`. This one finds optima
instead: under each penalty, from the strongest to the weakest, and only as far as validation still gains.
"""

import time
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.classifier import layers
from randquant.probes.items.arrangement import Arrangement, Device, Part, TaskFeatures, arrange, first_of
from randquant.probes.items.splits import assignments
from randquant.probes.outcome import Details, Outcome, not_converged, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.solvers.cross_entropy import CrossEntropy
from randquant.probes.solvers.eigenbasis import Eigenbasis
from randquant.probes.solvers.lanes import answer
from randquant.probes.solvers.penalty_path import Labelled, PenaltyPath, zero_layer
from randquant.probes.solvers.stacked_layers import predict

# Shares of the loss that a fit may lie above its least: one that is scored, and one that validation chooses among.
_SCORED, _CHOOSING = 1e-5, 1e-4


@dataclass(frozen=True)
class LogisticSettings:
    """The penalties tried on validation.

    Attributes:
        penalties: a of a / 2 * |weights|^2 next to the mean cross-entropy of standardised features, descending; they
            mean the same for any number of items.
        patience: stop after this many penalties below the best validation accuracy; equalling it counts as improving.
    """

    penalties: tuple[float, ...] = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
    patience: int = 3

    def __post_init__(self) -> None:
        if not self.penalties or min(self.penalties) <= 0:
            raise ValueError(f"penalties need at least one value, all above 0, got {self.penalties}")
        if list(self.penalties) != sorted(set(self.penalties), reverse=True):
            raise ValueError(f"penalties need to descend, since each fit starts from the last, got {self.penalties}")
        if self.patience < 1:
            raise ValueError(f"patience needs to be at least 1, got {self.patience}")


@dataclass(frozen=True, kw_only=True)
class LogisticDetails(Details):
    """What was chosen.

    Attributes:
        penalty: None in results of before, which say C in its place.
        passes: over the items, of each fold.
        sweep: validation accuracy by penalty.
        unfinished: penalties whose fits ran out of passes, in any fold.
    """

    penalty: float | None
    passes: list[int] = field(default_factory=list)
    sweep: list[dict[str, float]]
    unfinished: list[float] = field(default_factory=list)

    @property
    def how(self) -> str:
        """In words."""
        chosen = f"C {self.more['strength']:g}" if self.penalty is None else f"penalty {self.penalty:g}"
        return f"by logistic regression, {chosen}{not_converged('penalty', self.unfinished)}"


def evaluate(
    features: TaskFeatures, settings: LogisticSettings = LogisticSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[LogisticDetails]:
    """Accuracy of logistic regression with its penalty chosen on validation, the same for all folds.

    Where the data name no validation split, a part of train held out by `seed` chooses; the classifier scored is
    fitted on all of train.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    items = first_of(features).items
    tasks = assignments(items)
    arrangement = arrange(features, tasks, device)
    paths = [_Path(arrangement, part, seed) for part in arrangement.parts]
    valid: list[float] = []
    for penalty in settings.penalties:
        valid.append(float(np.mean([path.advance(penalty) for path in paths])))
        best = len(valid) - 1 - int(np.argmax(valid[::-1]))  # the last of equals counts as improving
        if len(valid) - 1 - best >= settings.patience:
            break
    chosen = int(np.argmax(valid))  # the first of equals
    found = [path.scored(chosen, settings.penalties[chosen]) for path in paths]
    details = LogisticDetails(
        penalty=settings.penalties[chosen],
        valid_accuracy=valid[chosen],
        passes=[path.passes for path in paths],
        sweep=tried("penalty", settings.penalties[: len(valid)], np.array(valid)),
        unfinished=sorted(set[float]().union(*(path.unfinished for path in paths)), reverse=True),
        seeds=[seed],
        settings={"probe": "logistic", **asdict(settings)},
    )
    predictions = [
        answer(arrangement.x, part.rows(part.assignment.test), [each.unsqueeze(0) for each in layer], part)
        for part, layer in zip(arrangement.parts, found, strict=True)
    ]
    classifier = partial(layers, found[0], tasks[0].classes, arrangement.parts[0].moments)
    answers = [guesses.cpu().numpy() for guesses in predictions]
    return outcome_of("logistic", items, tasks, answers, details, started=started, fitted=classifier)


class _Path:
    """The fits of one assignment, in the eigenbasis of its training items, which all penalties share."""

    def __init__(self, arrangement: Arrangement, part: Part, seed: int) -> None:
        task = part.assignment
        fit, choose = task.parts(seed=seed)
        train = _standardised(arrangement, part, task.train)
        self.basis = Eigenbasis.of(train)
        self.train = Labelled(self.basis.rotate(train), arrangement.targets[part.rows(task.train)])
        self.fit = self.train
        if task.valid is None:  # a part of train is held out
            rows = torch.from_numpy(np.searchsorted(task.train, fit)).to(part.device)
            self.fit = Labelled(self.train.x[rows], self.train.targets[rows])
        valid = _standardised(arrangement, part, choose)
        self.valid = Labelled(self.basis.rotate(valid), arrangement.targets[part.rows(choose)])
        self.path = PenaltyPath(CrossEntropy, self.fit, self.basis, zero_layer(len(task.classes), self.basis))
        self.layers: list[list[Tensor]] = []
        self.passes, self.unfinished = 0, list[float]()

    def advance(self, penalty: float) -> float:
        """Fit the next penalty; its validation accuracy."""
        self.layers.append(self.path.advance(penalty, _CHOOSING))
        guesses = predict(self.valid.x, slice(None), [each.unsqueeze(0) for each in self.layers[-1]])
        return float((guesses[0] == self.valid.targets).double().mean())

    def scored(self, place: int, penalty: float) -> list[Tensor]:
        """Weight (C, D) and bias (C,) of the penalty at this place, fitted on all of train."""
        last = PenaltyPath(CrossEntropy, self.train, self.basis, self.layers[place])
        weight, bias = last.advance(penalty, _SCORED)
        self.passes, self.unfinished = self.path.passes + last.passes, self.path.unfinished + last.unfinished
        return [weight @ self.basis.axes.T, bias]


def _standardised(arrangement: Arrangement, part: Part, rows: NDArray[np.int64]) -> Tensor:
    x = arrangement.x[part.rows(rows)]
    return x if part.scale is None or part.offset is None else torch.addcmul(part.offset, x, part.scale)


LOGISTIC = Probe(evaluate, LogisticSettings(), LogisticDetails)
