"""Splits and folds as counted."""

from randquant.data.labelled_store import folds_of, split_counts


def test_folds_are_counted_in_their_order() -> None:
    splits = ["fold10", "fold2", None, "fold10"]
    assert folds_of(splits) == ["fold2", "fold10"]
    assert split_counts(splits) == {"fold2": 1, "fold10": 2, "unused": 1}


def test_splits_are_counted_though_empty() -> None:
    assert folds_of(["train", None]) == []
    assert split_counts(["train", "test", "train", None]) == {"train": 2, "valid": 0, "test": 1, "unused": 1}
