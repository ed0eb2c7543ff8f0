"""Folds: every item in one, classes spread evenly, groups whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from randquant.errors import DataError
from randquant.probes.items.folds import stratified_folds


@given(st.integers(2, 6), st.lists(st.integers(6, 30), min_size=2, max_size=5), st.integers(0, 100))
def test_classes_are_spread_evenly(count: int, sizes: list[int], seed: int) -> None:
    targets = np.repeat(np.arange(len(sizes)), sizes)
    folds = stratified_folds(targets, [None] * len(targets), count, seed=seed)
    by_class = np.stack([np.bincount(folds[targets == label], minlength=count) for label in range(len(sizes))])
    assert (by_class.max(axis=1) - by_class.min(axis=1) <= 1).all()
    assert np.ptp(by_class.sum(axis=0)) <= 1


@given(st.integers(2, 4), st.integers(0, 100))
def test_groups_stay_together(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = [None if group < 5 else f"g{group}" for group in generator.integers(0, 40, 200)]
    targets = np.array([index % 3 if group is None else int(group[1:]) % 3 for index, group in enumerate(groups)])
    folds = stratified_folds(targets, groups, count, seed=seed)
    for group in set(groups) - {None}:
        assert len({folds[index] for index, name in enumerate(groups) if name == group}) == 1
    assert set(folds) == set(range(count))


def test_the_seed_decides() -> None:
    targets = np.arange(60) % 3
    one, same, other = (stratified_folds(targets, [None] * 60, 5, seed=seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_a_class_too_small_is_named() -> None:
    targets = np.array([0] * 10 + [1] * 3)
    with pytest.raises(DataError, match='5 folds need at least 5 training items in every class, but "vase" has 3'):
        stratified_folds(targets, [None] * 13, 5, seed=0, classes=["plant", "vase"])
    groups = [f"g{index}" for index in range(10)] + ["one"] * 3
    with pytest.raises(DataError, match=r'2 groups .*"vase" is the most frequent class in 1 of the 1 that hold it'):
        stratified_folds(targets, groups, 2, seed=0, classes=["plant", "vase"])
    shared = [f"g{index // 2}" for index in range(8)]
    with pytest.raises(DataError, match='"vase" is the most frequent class in 0 of the 4 that hold it'):
        stratified_folds(np.array([0, 1] * 4), shared, 2, seed=0, classes=["plant", "vase"])
    with pytest.raises(ValueError, match="count"):
        stratified_folds(targets, [None] * 13, 1, seed=0)
