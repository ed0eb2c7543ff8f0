"""Pairs across the split equal those of a comparison of every item with every other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data.repeats import pairs_across
from randquant.data.store import Store, StoreWriter

SPLITS: dict[str, list[str | None]] = {
    "split": ["train", "valid", "test", None, "test", "train", "test"],
    "folds": ["fold1", "fold2", "fold1", "fold3", None, "fold2", "fold3"],
}
CONTENT = [1, 5, 1, 4, 9, 9, 0]  # 0 says nothing


def store(folder: Path, splits: list[str | None]) -> Store:
    writer = StoreWriter(folder / "store", kind="audio", plan="plan")
    with writer.begin():
        with writer.shard(0) as shard:
            for number, split in enumerate(splits):
                shard.append([np.full(3, CONTENT[number], np.int16)], {"path": f"{number}", "split": split})
        return writer.finish(1, {})


@pytest.mark.parametrize("name", SPLITS)
def test_pairs_are_those_of_a_slow_comparison(tmp_path: Path, name: str) -> None:
    splits = SPLITS[name]
    places = np.random.default_rng(0).normal(size=(len(splits), 2)).astype(np.float32)

    def describe(item: int) -> tuple[bytes, np.ndarray]:
        return bytes([CONTENT[item]]) if CONTENT[item] else b"", places[item]

    found = pairs_across(
        store(tmp_path, splits),
        describe=describe,
        same=lambda item, other: ("same", item, other),
        nearest=lambda item, others: ("near", item, *others),
        candidates=2,
        unit="items",
    )
    expected = []
    for item, split in enumerate(splits):
        others = [other for other, its in enumerate(splits) if its and its != split and its != "test"]
        if split and (name == "folds" or split == "test"):
            twins = [other for other in others if CONTENT[other] and CONTENT[other] == CONTENT[item]]
            nearest = sorted(others, key=lambda other: np.linalg.norm(places[other] - places[item]))[:2]
            expected.append(("same", item, twins[0]) if twins else ("near", item, *nearest))
    assert found == expected


def test_nothing_to_compare_gives_no_pairs(tmp_path: Path) -> None:
    opened = store(tmp_path, ["train"] * len(CONTENT))

    def never(*items: object) -> Any:
        pytest.fail("nothing is compared")

    assert pairs_across(opened, describe=never, same=never, nearest=never, candidates=2, unit="items") == []
