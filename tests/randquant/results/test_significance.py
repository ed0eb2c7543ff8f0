"""Paired significance against slow forms and textbook tests."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from randquant.results.predictions import Answers
from randquant.results.significance import DRAWS, Paired, holm, paired


def answers(right: np.ndarray, *, groups: Sequence[str | None] = (), folds: Sequence[str | None] = ()) -> Answers:
    """Predictions of (S, m) that are right where `right` says so."""
    repeats, count = right.shape
    labels = ["ab"[item % 2] for item in range(count)]
    other = np.array(["ba"[item % 2] for item in range(count)], dtype=object)
    predicted = np.where(right, np.array(labels, dtype=object), other)
    ids = [f"{item}.wav" for item in range(count)]
    return Answers(
        ids, labels, [*groups] or [None] * count, [*folds] or [None] * count, list(range(repeats)), predicted
    )


def draw(count: int, share: float, repeats: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((repeats, count)) < share


def difference(first: Answers, second: Answers) -> Paired:
    return paired(first, second, generator=torch.Generator().manual_seed(1))


def test_one_repeat_gives_mcnemars_exact_test() -> None:
    one, other = draw(300, 0.7), draw(300, 0.8, seed=1)
    found = difference(answers(one), answers(other))
    won, lost = int((other & ~one).sum()), int((one & ~other).sum())
    assert found.p == found.mcnemar == binomtest(won, won + lost).pvalue
    assert found.method == "exact McNemar test"
    assert found.difference == pytest.approx(other.mean() - one.mean())
    assert found.over == "300 items"


def test_the_permutation_test_is_mcnemars_for_single_items_and_repeats() -> None:
    """The same answers given by two repeats each leave the test as it was, but are no longer McNemar's by name."""
    for seed in range(3):
        one, other = draw(200, 0.7, seed=seed), draw(200, 0.76, seed=seed + 10)
        exact = difference(answers(one), answers(other)).p
        doubled = difference(answers(np.tile(one, (2, 1))), answers(np.tile(other, (2, 1))))
        assert doubled.method == "paired permutation test"
        assert doubled.mcnemar is None
        assert doubled.p == pytest.approx(exact, abs=4 * np.sqrt(0.25 / DRAWS) + 1e-3)


def test_the_interval_equals_a_plain_bootstrap_over_groups() -> None:
    generator = np.random.default_rng(3)
    membership = generator.integers(0, 25, 240)
    groups = [f"speaker {group}" for group in membership]
    one, other = draw(240, 0.6, 3, seed=4), draw(240, 0.7, 2, seed=5)
    found = difference(answers(one, groups=groups), answers(other))
    gain = other.mean(axis=0) - one.mean(axis=0)
    sums = np.bincount(membership, weights=gain, minlength=25)
    sizes = np.bincount(membership, minlength=25)
    drawn = generator.integers(0, 25, (DRAWS, 25))
    plain = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    assert found.over == "25 groups"
    assert found.difference == pytest.approx(gain.mean())
    np.testing.assert_allclose(found.interval, np.quantile(plain, [0.025, 0.975]), atol=0.006)
    assert found.draws.std() == pytest.approx(plain.std(), rel=0.05)


def test_items_of_one_group_do_not_count_as_many() -> None:
    """Twenty items a group, all alike, are worth one: the interval widens and p rises."""
    one, other = np.repeat(draw(30, 0.5), 20, axis=1), np.repeat(draw(30, 0.6, seed=1), 20, axis=1)
    groups = [f"{item // 20}" for item in range(600)]
    alone, grouped = difference(answers(one), answers(other)), difference(answers(one, groups=groups), answers(other))
    assert grouped.difference == alone.difference
    assert grouped.interval[1] - grouped.interval[0] > 3 * (alone.interval[1] - alone.interval[0])
    assert grouped.p > alone.p
    assert grouped.mcnemar == alone.p


def test_few_groups_are_said_to_be_too_few() -> None:
    one = draw(60, 0.5)
    found = difference(answers(one, groups=[f"{item % 3}" for item in range(60)]), answers(~one))
    assert found.over == "60 items (too few groups: 3)"


def test_folds_weigh_the_same_whatever_their_size() -> None:
    folds = ["fold1"] * 10 + ["fold2"] * 90
    one, other = np.zeros((1, 100), dtype=bool), np.zeros((1, 100), dtype=bool)
    other[0, :10] = True
    found = difference(answers(one, folds=folds), answers(other, folds=folds))
    assert found.difference == 0.5
    assert found.interval == (0.5, 0.5), "each fold is drawn within itself, and each is all right or all wrong"


def test_nothing_differs() -> None:
    right = draw(50, 0.5, 3)
    found = difference(answers(right), answers(right))
    assert (found.difference, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_the_order_of_items_does_not_matter() -> None:
    one, other = answers(draw(80, 0.6, 2)), answers(draw(80, 0.7, 2, seed=1))
    order = np.random.default_rng(0).permutation(80)
    shuffled = Answers(
        [other.ids[row] for row in order],
        [other.labels[row] for row in order],
        [None] * 80,
        [None] * 80,
        other.seeds,
        other.predicted[:, order],
    )
    assert difference(one, shuffled).p == difference(one, other).p


def test_the_interval_covers_and_the_test_keeps_its_level() -> None:
    covered, false_alarms = 0, 0
    for seed in range(60):
        one, other = draw(150, 0.7, 2, seed=seed), draw(150, 0.7, 2, seed=seed + 1000)
        found = difference(answers(one), answers(other))
        covered += found.interval[0] <= 0 <= found.interval[1]
        false_alarms += found.p < 0.05
    assert covered >= 52
    assert false_alarms <= 8


@pytest.mark.parametrize("values", [[0.04], [0.01, 0.04, 0.03], [0.5, 0.5], [1.0, 0.001, 0.2, 0.02]])
def test_holm_against_its_definition(values: list[float]) -> None:
    """An adjusted p is the level at which the step-down procedure first rejects."""
    adjusted = holm(values)
    for level in (0.005, 0.02, 0.05, 0.08, 0.3):
        rejected = set()
        for place, index in enumerate(sorted(range(len(values)), key=lambda each: values[each])):
            if values[index] > level / (len(values) - place):
                break
            rejected.add(index)
        assert {index for index, p in enumerate(adjusted) if p <= level} == rejected
