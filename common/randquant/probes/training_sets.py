"""A probe fitted on several given training sets in turn, each scored on the same test items, as STL-10's ten folds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Features
from randquant.errors import DataError, UsageError
from randquant.probes.items.arrangement import Device
from randquant.probes.outcome import Outcome, score_of
from randquant.probes.probe import Probe


def over_training_sets(probe: Probe[Any], sets: Sequence[NDArray[np.int64]]) -> Probe[Any]:
    """The same probe, whose repeats are those on each training set; the interval over repeats is one over sets.

    Args:
        probe: of features that have splits.
        sets: (n,) rows of each, in place of the splits train and valid; a part of each is held out to choose on.
    """

    def evaluate(features: Features, settings: Any, *, seed: int, device: Device) -> Outcome[Any]:
        outcomes = []
        for number, rows in enumerate(sets, 1):
            try:
                outcomes.append(probe.evaluate(_trained_on(features, rows), settings, seed=seed, device=device))
            except DataError as error:
                raise DataError(f"training set {number} of {len(sets)}: {error}") from None
        first, each = outcomes[0], [outcome.numbers for outcome in outcomes]
        predictions = np.concatenate([outcome.predictions for outcome in outcomes])
        chosen = [numbers.valid_accuracy for numbers in each if numbers.valid_accuracy is not None]
        numbers = replace(
            first.numbers,
            **vars(score_of(predictions == first.truth, first.truth)),
            repeats=len(predictions),
            valid_accuracy=float(np.mean(chosen)) if chosen else None,
            seconds=sum(numbers.seconds or 0.0 for numbers in each),
            how=f"{first.numbers.how}; mean of {len(sets)} given training sets",
        )
        return replace(first, numbers=numbers, predictions=predictions, fitted=None)

    return replace(probe, evaluate=evaluate, saves=False)


def training_sets(folds: Sequence[str | None], where: str) -> list[NDArray[np.int64]]:
    """Rows of each training set, by a column that lists the numbers of the sets each item is in, as in "1 4 10".

    Args:
        folds: the column.
        where: whose it is, for the message.

    Raises:
        UsageError: it names none.
    """
    numbers = [set((each or "").split()) for each in folds]
    names = sorted(set[str]().union(*numbers), key=int)
    if not names:
        raise UsageError(f"{where} has no official folds; leave out --folds.")
    return [np.array([row for row, held in enumerate(numbers) if name in held], dtype=np.int64) for name in names]


def _trained_on(features: Features, rows: NDArray[np.int64]) -> Features:
    splits = [None if split in ("train", "valid") else split for split in features.splits]
    for row in rows.tolist():
        splits[row] = "train"
    return replace(features, splits=splits)
