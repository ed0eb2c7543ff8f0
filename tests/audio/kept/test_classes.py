"""Which classes views keep."""

import torch

from randquant.audio.kept.classes import recalls
from randquant.data.features import Items


def items(labels: list[str | None], splits: list[str | None]) -> Items:
    count = len(labels)
    return Items(["same.wav"] * count, labels, [None] * count, splits)


def test_a_class_that_its_views_show_is_recalled_and_one_they_do_not_is_not() -> None:
    labels = ["a", "b", "c"] * 40
    splits = (["train"] * 3 + ["test"] * 3) * 20
    drawn = torch.Generator().manual_seed(0)
    x = torch.randn(120, 8, generator=drawn)
    x[::3, 0] += 20.0
    found = recalls(x, items(list(labels), list(splits)), seed=0)
    assert found is not None
    assert found.by_class["a"] == 1.0
    assert found.by_class["b"] < 0.9
    assert list(found.by_class) == ["a", "b", "c"]


def test_without_labels_or_splits_nothing_is_asked() -> None:
    x = torch.randn(6, 4)
    assert recalls(x, items([None] * 6, ["train"] * 6), seed=0) is None
    assert recalls(x, items(["a", "b"] * 3, [None] * 6), seed=0) is None
