"""Two runs scored on the same test items: is their difference more than the choice of those items?

What is compared is each item's share of right repeats, a number in [0, 1]; with one repeat it is right or wrong. Items
that share a group (a speaker, a source recording) are not independent, so groups are what is drawn, or single items
where there are no groups. With folds the accuracy is the mean over folds and the draws stay within each fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.results.predictions import Answers

DRAWS = 10_000
FEWEST_GROUPS = 10  # below, resampling groups says nothing, and items are resampled


@dataclass(frozen=True)
class Paired:
    """A difference of accuracies with its interval and p value.

    Attributes:
        difference: accuracy of the second run less that of the first, in [-1, 1].
        interval: 95 % paired bootstrap interval (percentiles of 10,000 draws).
        p: of a difference as large where there is none, two-sided.
        method: how `p` was found.
        mcnemar: exact McNemar p over single items where both runs have one repeat, else None.
        over: what was drawn, in words.
        items: test items.
        draws: (10,000,) bootstrap differences.
    """

    difference: float
    interval: tuple[float, float]
    p: float
    method: str
    mcnemar: float | None
    over: str
    items: int
    draws: NDArray[np.float64]


@dataclass(frozen=True)
class _Units:
    """What is drawn in one fold, equal ones counted together.

    Attributes:
        sums: (K,) differences summed over the items of a unit, as integers.
        sizes: (K,) items of a unit.
        counts: (K,) how many units are like this.
        scale: `sums` are this many times the difference.
    """

    sums: NDArray[np.int64]
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    scale: int

    @property
    def difference(self) -> float:
        return float((self.sums * self.counts).sum() / (self.sizes * self.counts).sum() / self.scale)


def paired(first: Answers, second: Answers, *, generator: torch.Generator) -> Paired:
    """Compare two runs on the same items.

    The interval resamples groups with replacement. `p` is the exact McNemar test (the binomial test of the items
    that only one run got right) where both runs have one repeat and no groups are drawn; else it is the paired
    permutation test that swaps the two runs' answers to a group at random, 10,000 times: with single items and single
    repeats that is McNemar's test too. Neither knows how much another pretraining run would differ.

    Args:
        first: answers of the run to compare with.
        second: answers to the same items, in any order.
        generator: of the draws.

    Raises:
        ValueError: they do not answer the same items, or the items have other labels.
    """
    second = _in_order_of(first, second)
    by_group, over = _over(first)
    folds = list(_folds(first, second, by_group))
    draws = np.mean([_bootstrap(units, generator) for units in folds], axis=0)
    low, high = np.quantile(draws, [0.025, 0.975])
    single = len(first.seeds) == len(second.seeds) == 1
    mcnemar = _mcnemar(first, second) if single else None
    if mcnemar is not None and not by_group:
        p, method = mcnemar, "exact McNemar test"
    else:
        p, method = _permutation(folds, generator), "paired permutation test"
    difference = float(np.mean([units.difference for units in folds]))
    return Paired(difference, (float(low), float(high)), p, method, mcnemar, over, len(first.ids), draws)


def mean_interval(draws: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The 95 % interval of the mean over tasks, of independent bootstrap draws of each (10,000,)."""
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return float(low), float(high)


def shown_p(p: float) -> str:
    """A p value in four places, and never as nothing.

    >>> shown_p(0.0312), shown_p(3e-7)
    ('0.0312', '<0.0001')
    """
    return f"{p:.4f}" if p >= 0.0001 else "<0.0001"


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for being several, so that the chance of any false alarm stays (Holm, 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _in_order_of(first: Answers, second: Answers) -> Answers:
    place = {name: column for column, name in enumerate(second.ids)}
    if len(place) != len(first.ids) or any(name not in place for name in first.ids):
        raise ValueError("the runs were scored on other test items")
    order = [place[name] for name in first.ids]
    labels = [second.labels[column] for column in order]
    folds = [second.folds[column] for column in order]
    if labels != first.labels or folds != first.folds:
        raise ValueError("the test items have other labels or folds")
    return Answers(first.ids, labels, first.groups, folds, second.seeds, second.predicted[:, order])


def _over(answers: Answers) -> tuple[bool, str]:
    """Whether groups are drawn, and what is, in words."""
    groups = {(fold, group) for fold, group in zip(answers.folds, answers.groups, strict=True) if group is not None}
    alone = sum(group is None for group in answers.groups)
    items = len(answers.ids)
    if len(groups) + alone == items:
        return False, f"{items:,} items"
    if len(groups) + alone < FEWEST_GROUPS:
        return False, f"{items:,} items (too few groups: {len(groups) + alone})"
    return True, f"{len(groups) + alone:,} groups"


def _folds(first: Answers, second: Answers, by_group: bool) -> Iterator[_Units]:
    scale = len(first.seeds) * len(second.seeds)
    rights = second.right.sum(axis=0) * len(first.seeds) - first.right.sum(axis=0) * len(second.seeds)
    folds = np.array([fold or "" for fold in first.folds], dtype=object)
    for fold in sorted(set(folds)):
        rows = np.flatnonzero(folds == fold)
        keys = [first.groups[row] if by_group else None for row in rows]
        number: dict[str, int] = {}
        units = np.array([len(rows) + i if key is None else number.setdefault(key, i) for i, key in enumerate(keys)])
        _, unit = np.unique(units, return_inverse=True)
        sizes = np.bincount(unit)
        sums = np.zeros(len(sizes), dtype=np.int64)
        np.add.at(sums, unit, rights[rows])
        like, counts = np.unique(np.stack([sums, sizes]), axis=1, return_counts=True)
        yield _Units(like[0], like[1], counts, scale)


def _bootstrap(units: _Units, generator: torch.Generator) -> NDArray[np.float64]:
    """(DRAWS,) differences of one fold whose units are drawn with replacement.

    Only how often each kind of unit is drawn matters: a multinomial, drawn as binomials one after the other.
    """
    left = torch.full((DRAWS,), float(units.counts.sum()), dtype=torch.float64)
    total, weight = torch.zeros_like(left), torch.zeros_like(left)
    remaining = int(units.counts.sum())
    for value, size, count in zip(units.sums.tolist(), units.sizes.tolist(), units.counts.tolist(), strict=True):
        share = torch.full_like(left, count / remaining)
        drawn = torch.binomial(left, share, generator=generator) if count < remaining else left
        total, weight = total + drawn * value, weight + drawn * size
        left, remaining = left - drawn, remaining - count
    return (total / weight / units.scale).numpy()


def _permutation(folds: Sequence[_Units], generator: torch.Generator) -> float:
    """Share of random swaps, the actual one among them, that give a difference as large."""
    found = torch.zeros(DRAWS, dtype=torch.float64)
    actual = 0.0
    for units in folds:
        weight = 1.0 / float((units.sizes * units.counts).sum()) / units.scale / len(folds)
        sizes, inverse = np.unique(np.abs(units.sums), return_inverse=True)
        counts = np.bincount(inverse, weights=units.counts)
        actual += weight * float((units.sums * units.counts).sum())
        for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
            if size:
                whole = torch.full_like(found, count)
                kept = torch.binomial(whole, torch.full_like(found, 0.5), generator=generator)
                found += weight * size * (2 * kept - count)
    as_large = int((found.abs() >= abs(actual) - 1e-12).sum())
    return (1 + as_large) / (1 + DRAWS)


def _mcnemar(first: Answers, second: Answers) -> float:
    from scipy.stats import binomtest

    one, other = first.right[0], second.right[0]
    won, lost = int((other & ~one).sum()), int((one & ~other).sum())
    return 1.0 if won + lost == 0 else float(binomtest(won, won + lost).pvalue)
