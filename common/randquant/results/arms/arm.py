"""Arms of a study: the same training with one thing changed, over several seeds, against the unchanged one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from randquant.errors import DataError
from randquant.probes.outcome import repeats_half_width
from randquant.results.predictions import Answers
from randquant.results.significance import Paired, holm, paired


@dataclass(frozen=True)
class Arm:
    """One arm: its name, and what its encoder of each seed answered to the same test items.

    Attributes:
        name: of the change.
        settings: what it was trained with.
        accuracies: (S,) of the seeds, in [0, 1].
        answers: of the seeds.
    """

    name: str
    settings: str
    accuracies: Sequence[float]
    answers: Sequence[Answers]

    @property
    def accuracy(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.accuracies))

    @property
    def half_width(self) -> float | None:
        """Of the 95 % Student t interval of the mean over seeds; None for one seed."""
        return repeats_half_width(list(self.accuracies))


@dataclass(frozen=True)
class Change:
    """An arm against the unchanged one.

    Attributes:
        arm: which.
        difference: of the mean accuracies, in [-1, 1].
        by_seeds: half-width of the 95 % Student t interval of the difference, seed by seed; None for one seed.
        paired: significance over test items, where each item counts by its share of right seeds.
        p_holm: p adjusted for the number of arms.
    """

    arm: Arm
    difference: float
    by_seeds: float | None
    paired: Paired
    p_holm: float


def changes(base: Arm, arms: Sequence[Arm], *, seed: int = 0) -> list[Change]:
    """Each arm against the base.

    Args:
        base: the unchanged training.
        arms: others, with as many seeds.
        seed: of the bootstrap and the permutations.

    Raises:
        DataError: they answered to other test items.
    """
    try:
        tests = [
            paired(
                over_seeds(base.answers),
                over_seeds(arm.answers),
                generator=torch.Generator().manual_seed(seed + number),
            )
            for number, arm in enumerate(arms)
        ]
    except ValueError as error:
        raise DataError(f"{error}, so the arms cannot be compared; use one --task for all.") from None
    adjusted = holm([test.p for test in tests])
    found = []
    for arm, test, p in zip(arms, tests, adjusted, strict=True):
        by_seed = np.subtract(arm.accuracies, base.accuracies)
        found.append(Change(arm, float(by_seed.mean()), repeats_half_width(by_seed.tolist()), test, p))
    return found


def over_seeds(answers: Sequence[Answers]) -> Answers:
    """The answers of several encoders as repeats of one.

    Raises:
        ValueError: they are to other items.
    """
    first, rows = answers[0], []
    for each in answers:
        place = {name: column for column, name in enumerate(each.ids)}
        if sorted(place) != sorted(first.ids):
            raise ValueError("the runs were scored on other test items")
        rows.append(each.predicted[:, [place[name] for name in first.ids]])
    predicted = np.concatenate(rows)
    return Answers(first.ids, first.labels, first.groups, first.folds, list(range(len(predicted))), predicted)
