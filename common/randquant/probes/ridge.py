"""Ridge regression on one-hot labels: the linear probe in closed form, with nothing to tune but its penalty."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from randquant.data.features import Features
from randquant.probes.classifier import Classifier, layers
from randquant.probes.items.arrangement import Device, TaskFeatures, chunks, first_of, one_each
from randquant.probes.items.scaling import Moments, moments
from randquant.probes.items.splits import Assignment, assignments
from randquant.probes.outcome import Details, Outcome, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.solvers.eigenbasis import decompose

LEAVE_ONE_OUT = "each training item left out in turn"
_SCORES = 2**22  # float64 scores held at a time: 32 MB
PENALTIES = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)

Pieces = Callable[[], Iterable[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class RidgeSettings:
    """The candidates tried on validation.

    Attributes:
        penalties: weights of the squared norm in the loss, next to the mean squared error of standardised features; 0
            is least squares by the pseudo-inverse, as i-Mix probes tables (Lee et al., ICLR 2021).
    """

    penalties: tuple[float, ...] = PENALTIES

    def __post_init__(self) -> None:
        if not self.penalties or min(self.penalties) < 0:
            raise ValueError(f"penalties need at least one value, none below 0, got {self.penalties}")

    @property
    def name(self) -> str:
        """Of the probe."""
        return "least_squares" if self.penalties == (0.0,) else "ridge"


@dataclass(frozen=True, kw_only=True)
class RidgeDetails(Details):
    """The choice, and the validation accuracy of every candidate."""

    penalty: float
    sweep: list[dict[str, float]]

    @property
    def how(self) -> str:
        """In words."""
        return f"by ridge regression, penalty {self.penalty:g}" if self.penalty else "by least squares"


def evaluate(
    features: TaskFeatures, settings: RidgeSettings = RidgeSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[RidgeDetails]:
    """Accuracy of ridge regression with the penalty chosen on validation, the same for all folds.

    Where the data name no validation split, the penalty is chosen by leaving out each training item in turn, which
    costs nothing in closed form. The features are read in pieces, so that only (D, D) numbers are in memory.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    tasks = assignments(first_of(features).items)
    every = [
        _solve(each, task, settings, torch.device(device))
        for each, task in zip(one_each(features, tasks), tasks, strict=True)
    ]
    valid = np.mean([solved.valid_accuracy for solved in every], axis=0)
    chosen = int(valid.argmax())  # the first of equals
    details = RidgeDetails(
        penalty=settings.penalties[chosen],
        valid_accuracy=float(valid[chosen]),
        sweep=tried("penalty", settings.penalties, valid),
        seeds=[seed],
        settings={"probe": settings.name, **asdict(settings)},
        validation=LEAVE_ONE_OUT if tasks[0].valid is None else None,
    )
    predictions = [solved.predictions[chosen : chosen + 1] for solved in every]
    fitted = partial(every[0].classifier, chosen, tasks[0].classes)
    items = first_of(features).items
    return outcome_of(settings.name, items, tasks, predictions, details, started=started, fitted=fitted)


class Spectrum:
    """Ridge regression of one-hot class ids for every penalty at once, with an unpenalised intercept.

    With centred features X = U S V', the weights of penalty a are V (S^2 + a)^-1 V'X'Y: V and S serve all penalties.
    They come from the smaller of the two Gram matrices, X'X or XX', in float64.

    Args:
        pieces: gives, each time it is called, the training items as float64 features (b, D) and int64 class ids (b,),
            always the same ones.
        count: n, how many there are.
        classes: C.
        penalties: (P,) of the squared weights, none below 0; multiplied by n, so that they mean the same for any n.
    """

    def __init__(self, pieces: Pieces, count: int, classes: int, penalties: Sequence[float]) -> None:
        self.pieces, self.count, self.classes = pieces, count, classes
        sums, numbers = _class_sums(pieces(), classes)
        self.mean, self.prior = sums.sum(dim=0) / count, numbers / count
        self.basis, squares = decompose(lambda: (x for x, _ in pieces()), count, self.mean)
        self.shrink = shrinkage(squares, penalties, count)  # (r, P)
        cross = (sums - numbers[:, None] * self.mean).T  # (D, C), X'Y of centred X
        weights = self.basis.T @ cross
        self.weights = weights.unsqueeze(1) * self.shrink.unsqueeze(2)  # (r, P, C)
        self._rows = max(1, _SCORES // (len(penalties) * classes))

    def predict(self, x: Tensor) -> Tensor:
        """(P, m) class ids of features (m, D)."""
        pieces = ((x - self.mean) @ self.basis).split(self._rows)
        return torch.cat([self._scores(piece).argmax(dim=2) for piece in pieces]).T

    def layer(self, place: int) -> tuple[Tensor, Tensor]:
        """Weight (C, D) and bias (C,) of the penalty at this place."""
        weight = (self.basis @ self.weights[:, place]).T
        return weight, self.prior - weight @ self.mean

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """How each training item is predicted from all others, exactly and without refitting (Allen's PRESS, 1974).

        Returns:
            (P,) share that is right and (P,) mean squared error of the scores.
        """
        right, error = self.shrink.new_zeros(self.shrink.shape[1]), self.shrink.new_zeros(self.shrink.shape[1])
        for x, targets in self.pieces():
            projected = (x - self.mean) @ self.basis
            for part, truth in zip(projected.split(self._rows), targets.split(self._rows), strict=True):
                missed = self._missed(part, truth)
                predicted = (functional.one_hot(truth, self.classes).unsqueeze(1) - missed).argmax(dim=2)
                right += (predicted == truth.unsqueeze(1)).sum(dim=0)
                error += missed.square().sum(dim=(0, 2))
        return right / self.count, error / self.count

    def _missed(self, projected: Tensor, truth: Tensor) -> Tensor:
        """(b, P, C) true scores minus those that all other items give."""
        leverage = 1 / self.count + projected.square() @ self.shrink  # (b, P)
        missed = functional.one_hot(truth, self.classes).unsqueeze(1) - self._scores(projected)
        return missed / (1 - leverage).clamp_min(1e-12).unsqueeze(2)

    def _scores(self, projected: Tensor) -> Tensor:
        return (projected @ self.weights.flatten(1)).unflatten(1, self.weights.shape[1:]) + self.prior


def shrinkage(squares: Tensor, penalties: Sequence[float], count: int) -> Tensor:
    """(r, P) factors 1 / (s^2 + n a) of squared singular values (r,), ascending, and penalties a.

    Where a is 0, directions in which the features do not vary but for rounding count for nothing.
    """
    weights = count * torch.tensor(penalties).to(squares)
    factors = 1 / (squares[:, None] + weights)
    empty = squares <= squares[-1:] * len(squares) * torch.finfo(squares.dtype).eps
    return factors.masked_fill(empty[:, None] & (weights == 0), 0.0)


def _class_sums(pieces: Iterable[tuple[Tensor, Tensor]], classes: int) -> tuple[Tensor, Tensor]:
    """Sum of the features (C, D) and number of items (C,) of each class."""
    sums, numbers = None, None
    for x, targets in pieces:
        if sums is None or numbers is None:
            sums, numbers = x.new_zeros(classes, x.shape[1]), x.new_zeros(classes)
        sums.index_add_(0, targets, x)
        numbers += targets.bincount(minlength=classes)
    if sums is None or numbers is None:
        raise ValueError("a ridge regression needs at least one item")
    return sums, numbers


@dataclass(frozen=True)
class _Solved:
    """(P,) validation accuracies, (P, m) predictions of the test items, and what gives them."""

    valid_accuracy: NDArray[np.float64]
    predictions: NDArray[np.int64]
    spectrum: Spectrum
    scaler: Moments

    def classifier(self, chosen: int, classes: list[str]) -> Classifier:
        """With the penalty of this number."""
        return layers(self.spectrum.layer(chosen), classes, self.scaler, "score")


def _solve(features: Features, assignment: Assignment, settings: RidgeSettings, device: torch.device) -> _Solved:
    scaler = moments(chunks(features, assignment.train, device))

    def pieces(rows: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
        targets = torch.from_numpy(assignment.targets[rows]).to(device)
        start = 0
        for chunk in chunks(features, rows, device):
            yield scaler.standardise(chunk), targets[start : start + len(chunk)]
            start += len(chunk)

    def predictions(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return torch.cat([spectrum.predict(x) for x, _ in pieces(rows)], dim=1).cpu().numpy()

    train = assignment.train
    spectrum = Spectrum(lambda: pieces(train), len(train), len(assignment.classes), settings.penalties)
    if assignment.valid is None:
        accuracy = spectrum.leave_one_out()[0].cpu().numpy()
    else:
        accuracy = (predictions(assignment.valid) == assignment.targets[assignment.valid]).mean(axis=1)
    return _Solved(accuracy, predictions(assignment.test), spectrum, scaler)


RIDGE = Probe(evaluate, RidgeSettings(), RidgeDetails)
LEAST_SQUARES = Probe(evaluate, RidgeSettings((0.0,)), RidgeDetails, own=("penalties",))
