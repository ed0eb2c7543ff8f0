"""Who is fitted, chosen and scored on."""

import numpy as np
import pytest

from randquant.data.features import Items
from randquant.errors import DataError
from randquant.probes.items.splits import assign, assignments, hold_out


def make(labels: list[str | None], splits: list[str | None]) -> Items:
    return Items([str(i) for i in range(len(labels))], labels, [None] * len(labels), splits)


def test_roles_and_class_ids() -> None:
    found = assign(make(["b", "a", "b", "a", None], ["test", "train", "train", "valid", None]))
    assert found.classes == ["a", "b"]
    assert found.targets.tolist() == [1, 0, 1, 0, -1]
    assert found.train.tolist() == [1, 2]
    assert found.test.tolist() == [0]
    assert found.valid is not None
    assert found.parts(seed=0)[1].tolist() == [3]


@pytest.mark.parametrize(
    ("labels", "splits", "says"),
    [
        (["a", "b"], ["train", "train"], 'none is "test"'),
        (["a", "b"], ["test", None], 'none is "train"'),
        (["a", None, "a"], ["train", "train", "test"], '"1" .train. has none'),
        (["a", "a", "a"], ["train", "train", "test"], "two classes"),
        (["a", "b", "c"], ["train", "train", "valid"], "none is"),
        (["a", "b", "c"], ["train", "train", "test"], '"c"'),
    ],
)
def test_what_cannot_be_probed_is_said(labels: list, splits: list, says: str) -> None:
    with pytest.raises(DataError, match=says):
        assign(make(labels, splits))


def test_without_folds_there_is_one_assignment() -> None:
    items = make(["a", "b", "a"], ["train", "train", "test"])
    (found,) = assignments(items)
    assert found.name is None
    assert found.test.tolist() == assign(items).test.tolist() == [2]
    assert found.majority == 0


def test_each_fold_is_tested_by_the_others() -> None:
    folds = ["fold10", "fold2", "fold1", "fold2", None, "fold1", "fold10"]
    found = assignments(make(["a", "b", "a", "a", None, "b", "b"], folds))
    assert [each.name for each in found] == ["fold1", "fold2", "fold10"]
    assert [each.test.tolist() for each in found] == [[2, 5], [1, 3], [0, 6]]
    assert [each.train.tolist() for each in found] == [[0, 1, 3, 6], [0, 2, 5, 6], [1, 2, 3, 5]]
    assert all(each.valid is None for each in found)
    assert found[0].classes == ["a", "b"]
    assert found[0].targets.tolist() == [0, 1, 0, 0, -1, 1, 1]


def test_folds_of_partial_data_are_those_present() -> None:
    found = assignments(make(["a", "b"] * 4, ["fold3", "fold3", "fold9", "fold9", "fold4", "fold4", None, None]))
    assert [each.name for each in found] == ["fold3", "fold4", "fold9"]


@pytest.mark.parametrize(
    ("labels", "splits", "says"),
    [
        (["a", "b"], ["fold1", "fold1"], 'at least two folds, but all are in "fold1"'),
        (["a", "b", "a"], ["fold1", "fold2", "test"], '"fold1" and in "test"'),
        (["a", None, "a"], ["fold1", "fold2", "fold2"], '"1" .fold2. has none'),
        (["a", "a"], ["fold1", "fold2"], "two classes"),
        (["a", "b", "a"], ["fold1", "fold2", "fold2"], 'labelled "b" ."1". are in fold2'),
        (["a", "b"], ["fold0", "folded"], 'none is "train"'),
    ],
)
def test_folds_that_cannot_be_probed_are_said(labels: list, splits: list, says: str) -> None:
    with pytest.raises(DataError, match=says):
        assignments(make(labels, splits))


def test_held_out_items_are_a_tenth_with_every_class_on_both_sides() -> None:
    targets = np.repeat(np.arange(5), [100, 60, 20, 2, 1])
    rows = np.arange(len(targets))
    for seed in range(20):
        fit, choose = hold_out(rows, targets, seed=seed)
        assert sorted([*fit, *choose]) == rows.tolist()
        assert len(choose) == round(0.1 * len(rows))
        assert set(targets[fit]) == {0, 1, 2, 3, 4}
        assert set(targets[choose]) == {0, 1, 2, 3}


def test_many_small_classes_hold_out_more_than_a_tenth() -> None:
    targets = np.repeat(np.arange(10), 3)
    _, choose = hold_out(np.arange(30), targets, seed=0)
    assert sorted(targets[choose]) == list(range(10))


def test_holding_out_depends_on_the_seed_alone() -> None:
    targets = np.arange(100) % 4
    one, again, other = (hold_out(np.arange(100), targets, seed=seed)[1].tolist() for seed in (1, 1, 2))
    assert one == again != other


def test_single_items_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match="two train items"):
        hold_out(np.arange(3), np.arange(3), seed=0)
