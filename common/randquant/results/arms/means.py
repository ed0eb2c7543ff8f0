"""The mean over tasks of what two arms differ by, with its intervals: does a change help on the whole?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from randquant.probes.outcome import repeats_half_width
from randquant.results.arms.rows import CLEAN, ArmRow, Pair
from randquant.results.significance import mean_interval


@dataclass(frozen=True)
class MeanDifference:
    """One pair of arms over several tasks, which weigh the same.

    Attributes:
        difference: mean of the tasks' differences in accuracy.
        interval: 95 % bootstrap interval over the test items of all tasks.
        by_seeds: half-width of the 95 % Student t interval over seeds; None for one, or where tasks have other numbers.
    """

    difference: float
    interval: tuple[float, float]
    by_seeds: float | None


def asked_of_all(rows: Sequence[ArmRow], probe: str) -> list[ArmRow]:
    """The rows on clean items that a mean is taken over; none where there are fewer than two."""
    found = [row for row in rows if row.change == CLEAN and row.probe == probe]
    return found if len(found) > 1 else []


def mean_difference(rows: Sequence[ArmRow], pair: Pair, place: int, *, seed: int = 0) -> MeanDifference:
    """The mean over rows.

    Args:
        rows: of several tasks.
        pair: of arms.
        place: of the pair in every row's differences.
        seed: of the order of the draws.
    """
    generator = np.random.default_rng(seed)
    each = [row.differences[place] for row in rows]
    # In an order of their own, since tasks of equal size were drawn alike.
    interval = mean_interval([generator.permutation(change.paired.draws) for change in each])
    difference = float(np.mean([change.difference for change in each]))
    return MeanDifference(difference, interval, _by_seeds([_seed_by_seed(row, pair) for row in rows]))


def _seed_by_seed(row: ArmRow, pair: Pair) -> NDArray[np.float64]:
    return np.subtract(row.arms[pair.arm].accuracies, row.arms[pair.base].accuracies)


def _by_seeds(differences: Sequence[NDArray[np.float64]]) -> float | None:
    """Of differences (S,) seed by seed, one array a task."""
    if len({len(each) for each in differences}) > 1:
        return None
    return repeats_half_width(np.mean(differences, axis=0).tolist())
