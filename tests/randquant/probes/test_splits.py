"""Who is fitted, chosen and scored on."""

import numpy as np
import pytest

from randquant.errors import DataError
from randquant.features import Items
from randquant.probes.splits import assign, hold_out


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
