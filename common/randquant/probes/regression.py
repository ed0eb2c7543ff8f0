"""Probes of a number: ridge regression and least squares in closed form, scored by R².

The number of an item is its label, as text. R² is 1 less the squared error over that of always answering the mean of
the test items; the mean of the training items scores a little less than 0, or equal.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.data.features import Features, Items
from randquant.errors import DataError
from randquant.probes.items.arrangement import Device, TaskFeatures, chunks, first_of
from randquant.probes.items.scaling import moments
from randquant.probes.outcome import R2, Details, Numbers, Outcome, said_by, tried
from randquant.probes.probe import Probe
from randquant.probes.ridge import RidgeDetails, RidgeSettings, shrinkage

DEFAULT = RidgeSettings()
_DRAWS = 1_000  # of the bootstrap over test items
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RegressionDetails(RidgeDetails):
    """As of ridge; accuracies are R²."""


@dataclass(frozen=True)
class RegressionTask:
    """Rows of items by role, and the numbers (n,) to predict, NaN for items in no split."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]
    numbers: Array
    held_out: bool  # valid is a part of train that was held out

    @classmethod
    def of(cls, items: Items, *, seed: int) -> "RegressionTask":
        """Read splits and numbers; a tenth of train is held out by `seed` where there is no validation split.

        Raises:
            DataError: no train or test items, folds, or an item of a split without a number.
        """
        train, valid, test = (items.select(split) for split in ("train", "valid", "test"))
        if not len(train) or not len(test):
            raise DataError('A number is predicted of items with split "train" and "test"; prepare the data with both.')
        numbers = np.full(len(items), np.nan)
        used = np.concatenate([train, valid, test])
        for row in used:
            label = items.labels[row]
            if label is None:
                raise DataError(f'Every item in a split needs a number, but "{items.ids[row]}" has none.')
            numbers[row] = float(label)
        if len(valid):
            return cls(train, valid, test, numbers, held_out=False)
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed)).numpy()
        count = max(1, round(0.1 * len(train)))
        return cls(np.sort(train[order[count:]]), np.sort(train[order[:count]]), test, numbers, held_out=True)


def evaluate(
    features: TaskFeatures, settings: RidgeSettings = DEFAULT, *, seed: int = 42, device: Device = "cpu"
) -> Outcome[RegressionDetails]:
    """R² of ridge regression with the penalty chosen on validation.

    Arguments are those of `randquant.probes.probe.Evaluate`.

    Raises:
        DataError: as `RegressionTask.of`.
    """
    started = time.perf_counter()
    features = first_of(features)
    task = RegressionTask.of(features.items, seed=seed)
    on_valid, on_test = _ridge(features, task, settings.penalties, torch.device(device))
    valid = np.array([r2(found, task.numbers[task.valid]) for found in on_valid])
    chosen = int(valid.argmax())  # the first of equals
    details = RegressionDetails(
        penalty=settings.penalties[chosen],
        valid_accuracy=float(valid[chosen]),
        sweep=tried("penalty", settings.penalties, valid),
        seeds=[seed],
        settings={"probe": settings.name, **asdict(settings)},
    )
    return outcome_of_numbers(settings.name, features.items, task, on_test[chosen], details, seed, started)


def outcome_of_numbers(
    probe: str,
    items: Items,
    task: RegressionTask,
    predicted: Array,
    details: Details,
    seed: int,
    started: float,
) -> Outcome:
    """Score predicted numbers (m,) of the test items.

    Args:
        probe: its name.
        items: of the features.
        task: their roles and numbers.
        predicted: of the test items.
        details: of the probe.
        seed: of the bootstrap.
        started: `time.perf_counter()` when the probe began.
    """
    truth = task.numbers[task.test]
    score = r2(predicted, truth)
    texts, places = np.unique([repr(float(each)) for each in (*truth, *predicted)], return_inverse=True)
    numbers = Numbers(
        **said_by(details),
        probe=probe,
        measure=R2,
        accuracy=score,
        accuracies=[score],
        ci95=None,
        ci95_items=_interval(predicted, truth, seed),
        ci95_items_method="percentiles of 1,000 bootstrap draws of test items",
        macro_recall=None,
        majority_floor=r2(np.full(len(truth), task.numbers[task.train].mean()), truth),
        counts={
            "train": len(task.train) + len(task.valid) * task.held_out,
            "valid": None if task.held_out else len(task.valid),
            "test": len(truth),
        },
        validation="10 % of train, held out by seed" if task.held_out else "the valid split",
        seconds=round(time.perf_counter() - started, 3),
    )
    answered = items.take(task.test)
    count = len(truth)
    return Outcome(numbers, details, answered, task.test, places[:count], places[None, count:], texts.tolist())


def r2(predicted: Array, truth: Array) -> float:
    """1 less the squared error over the variance; of numbers that are all equal 0 where they are not met.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])) > 0.7
    True
    """
    spread = float(np.square(truth - truth.mean()).sum())
    error = float(np.square(predicted - truth).sum())
    return 1.0 - error / spread if spread else float(error == 0)


def require(items: Items, settings: object = None) -> None:
    """Refuse items without numbers, before anything is computed."""
    RegressionTask.of(items, seed=0)


def _ridge(
    features: Features, task: RegressionTask, penalties: Sequence[float], device: torch.device
) -> tuple[list[Array], list[Array]]:
    """Predictions of the validation and of the test items by penalty, from one decomposition in float64."""
    scaler = moments(chunks(features, task.train, device))
    numbers = torch.from_numpy(task.numbers).to(device)
    mean = numbers[task.train].mean()
    gram, cross, start = None, None, 0
    for chunk in chunks(features, task.train, device):
        x = scaler.standardise(chunk)
        y = numbers[task.train[start : start + len(x)]] - mean
        gram = x.T @ x if gram is None else gram + x.T @ x
        cross = x.T @ y if cross is None else cross + x.T @ y
        start += len(x)
    assert gram is not None
    assert cross is not None
    squares, basis = torch.linalg.eigh(gram)
    shrink = shrinkage(squares.clamp_min(0), penalties, len(task.train))
    weights = basis @ ((basis.T @ cross)[:, None] * shrink)  # (D, P)

    def predicted(rows: NDArray[np.int64]) -> list[Array]:
        found = torch.cat([scaler.standardise(chunk) @ weights + mean for chunk in chunks(features, rows, device)])
        return list(found.T.cpu().numpy())

    return predicted(task.valid), predicted(task.test)


def _interval(predicted: Array, truth: Array, seed: int) -> list[float]:
    """95 % of R² over bootstrap draws of the test items."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(truth), (_DRAWS, len(truth)), generator=generator).numpy()
    scores = [r2(predicted[rows], truth[rows]) for rows in drawn]
    low, high = np.quantile(scores, [0.025, 0.975])
    return [float(low), float(high)]


RIDGE = Probe(evaluate, DEFAULT, RegressionDetails, require=require, saves=False)
LEAST_SQUARES = replace(RIDGE, settings=RidgeSettings((0.0,)), own=("penalties",))
