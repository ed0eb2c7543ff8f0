"""Every row lies on the device once, and what standardises it is its own fold's."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from randquant.data.features import Features
from randquant.probes.items import arrangement as module
from randquant.probes.items.arrangement import arrange
from randquant.probes.items.splits import assignments

COUNT = 60


def make(splits: list[str | None], seed: int = 0) -> Features:
    generator = np.random.default_rng(seed)
    vectors = (generator.normal(size=(COUNT, 4)) * [1, 5, 0.1, 1] + [0, 100, 3, 0]).astype(np.float32)
    vectors[:, 3] = 7.0  # constant
    labels = [f"class {i % 3}" for i in range(COUNT)]
    return Features(vectors, [str(i) for i in range(COUNT)], labels, [None] * COUNT, splits)


def mixed(*names: str | None) -> list[str | None]:
    return [names[i] for i in np.random.default_rng(1).integers(len(names), size=COUNT)]


@pytest.mark.parametrize("splits", [mixed("train", "valid", "test", None), mixed("fold1", "fold2", "fold7", None)])
@pytest.mark.parametrize("own", [False, True])
def test_rows_are_standardised_by_their_own_training_items(
    splits: list[str | None], own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 8192)
    tasks = assignments(make(splits).items)
    every = [make(splits, seed) for seed in range(len(tasks))] if own else [make(splits)] * len(tasks)
    found = arrange(every if own else every[0], tasks, "cpu")
    assert len(found.x) == sum(split is not None for split in splits) * (len(tasks) if own else 1)
    for features, task, part in zip(every, tasks, found.parts, strict=True):
        expected = StandardScaler().fit(features.vectors[task.train].astype(np.float64)).transform(features.vectors)
        for rows in (task.train, task.test, task.train[[3, 1]]):
            x = found.x[part.rows(rows)]
            if part.scale is not None and part.offset is not None:
                x = x * part.scale + part.offset
            np.testing.assert_allclose(x.numpy(), expected[rows], atol=2e-4)
            np.testing.assert_array_equal(found.targets[part.rows(rows)].numpy(), task.targets[rows])


def test_reading_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features = make(mixed("train", "test"))
    tasks = assignments(features.items)
    whole = arrange(features, tasks, "cpu")
    monkeypatch.setattr(module, "CHUNK", 7)
    monkeypatch.setattr("randquant.probes.items.arrangement.CHUNK", 7)
    np.testing.assert_allclose(arrange(features, tasks, "cpu").x.numpy(), whole.x.numpy(), atol=1e-5)


def test_a_split_lies_in_one_slice_which_copies_nothing() -> None:
    features = make(mixed("train", "valid", "test"))
    (part,) = arrange(features, assignments(features.items), "cpu").parts
    assert isinstance(part.rows(part.assignment.train), slice)
    assert part.assignment.valid is not None
    assert isinstance(part.rows(part.assignment.valid), slice)
    assert isinstance(part.rows(part.assignment.test), slice)
