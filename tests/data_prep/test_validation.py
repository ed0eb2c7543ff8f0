"""The validation split: a tenth of each class of train, always the same shapes, whatever stands around them."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from randquant.data_prep.engine.plan import Item
from randquant.data_prep.validation import with_validation
from randquant.errors import UsageError


def items(counts: dict[str, int]) -> list[Item]:
    train = [Item(f"{label}/{n}", 1, label, None, "train") for label, count in counts.items() for n in range(count)]
    return [*train, *(replace(item, path=f"test/{item.path}", split="test") for item in train)]


def held_out(chosen: list[Item]) -> set[str]:
    return {item.path for item in chosen if item.split == "valid"}


def test_each_class_gives_its_share() -> None:
    counts = {"many": 100, "some": 26, "few": 4, "two": 2, "one": 1}
    before = items(counts)
    after = with_validation(before)
    assert Counter(item.label for item in after if item.split == "valid") == {"many": 10, "some": 3, "few": 1, "two": 1}
    assert [replace(item, split=None) for item in after] == [replace(item, split=None) for item in before]
    assert [item for item in after if item.split == "test"] == [item for item in before if item.split == "test"]
    assert with_validation(before, 0) == before
    nearly_all = with_validation(before, 0.99)
    assert Counter(item.label for item in nearly_all if item.split == "train") == dict.fromkeys(counts, 1)


def test_order_and_other_classes_do_not_matter() -> None:
    whole = items({"chair": 30, "table": 20})
    mixed = whole.copy()
    random.Random(0).shuffle(mixed)
    assert held_out(with_validation(mixed)) == held_out(with_validation(whole))
    chairs = {path for path in held_out(with_validation(whole)) if path.startswith("chair")}
    assert held_out(with_validation(items({"chair": 30}))) == chairs


def test_it_is_not_the_first_ones() -> None:
    chosen = sorted(int(path.partition("/")[2]) for path in held_out(with_validation(items({"chair": 1000}))))
    assert len(chosen) == 100
    assert 300 < sum(chosen) / 100 < 700


def test_names_decide_where_given() -> None:
    """Two releases that call a shape alike hold the same ones out, whatever their files are called."""
    one = items({"chair": 30})
    other = [replace(item, path=f"else/{item.path}.txt") for item in one]
    names = [item.path for item in one]
    chosen = with_validation(other, names=names)
    assert [item.split for item in chosen] == [item.split for item in with_validation(one)]


def test_a_larger_share_keeps_the_smaller() -> None:
    every = items({"chair": 50})
    assert held_out(with_validation(every, 0.1)) < held_out(with_validation(every, 0.2))


def test_the_split_never_changes() -> None:
    """Fixed for good: stores of another day must agree."""
    assert held_out(with_validation(items({"chair": 20}))) == {"chair/10", "chair/14"}


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_wrong_shares(share: float) -> None:
    with pytest.raises(UsageError, match="--validation should be at least 0 and below 1"):
        with_validation([], share)
