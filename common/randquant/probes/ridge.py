"""Ridge regression on one-hot labels: the linear probe in closed form, with nothing to tune but its penalty."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.features import Features
from randquant.probes.classifier import Classifier, layers
from randquant.probes.outcome import Details, Outcome, outcome_of, tried
from randquant.probes.probe import Probe
from randquant.probes.reading import chunks, first_of, one_each
from randquant.probes.scaling import Moments, moments
from randquant.probes.spectrum import Spectrum
from randquant.probes.splits import Assignment, assignments

LEAVE_ONE_OUT = "each training item left out in turn"
PENALTIES = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class RidgeSettings:
    """The candidates tried on validation.

    Attributes:
        penalties: weights of the squared norm in the loss, next to the mean squared error of standardised features.
    """

    penalties: tuple[float, ...] = PENALTIES

    def __post_init__(self) -> None:
        if not self.penalties or min(self.penalties) <= 0:
            raise ValueError(f"penalties need at least one value, all above 0, got {self.penalties}")


@dataclass(frozen=True, kw_only=True)
class RidgeDetails(Details):
    """The choice, and the validation accuracy of every candidate."""

    WORDS: ClassVar[str] = "by ridge regression, penalty {penalty:g}"
    penalty: float
    sweep: list[dict[str, float]]


def evaluate(
    features: Features | Sequence[Features],
    settings: RidgeSettings = RidgeSettings(),
    *,
    seed: int = 42,
    device: str | torch.device = "cpu",
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
        settings={"probe": "ridge", **asdict(settings)},
        validation=LEAVE_ONE_OUT if tasks[0].valid is None else None,
    )
    predictions = [solved.predictions[chosen : chosen + 1] for solved in every]
    fitted = partial(every[0].classifier, chosen, tasks[0].classes)
    return outcome_of("ridge", first_of(features).items, tasks, predictions, details, started=started, fitted=fitted)


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
