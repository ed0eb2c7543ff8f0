"""What a store is called, and how many points are taken of its shapes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointcloud.encoders.occupancy import occupancy
from pointcloud.evaluation.protocols import PROTOCOLS
from pointcloud.evaluation.repetition import repeated, without
from pointcloud.evaluation.shape_task import open_shape_task, shape_task_name, task_features
from randquant.data.store import Store, StoreWriter
from randquant.probes import ridge


def write(folder: Path, *, points: int = 40, **info: Any) -> Store:
    generator = np.random.default_rng(0)
    writer = StoreWriter(folder, kind="points", plan="shapes")
    with writer.begin(), writer.shard(0) as shard:
        for index, split in enumerate(("train", "train", "valid", "valid", "test", "test")):
            cloud = generator.normal(size=(points, 3)).astype(np.float32)
            columns = {"path": f"{index}.off", "label": "ab"[index % 2], "group": None, "split": split}
            shard.append([cloud], columns)
    with writer.begin():
        return writer.finish(1, {"channels": ["x", "y", "z"], "up": "z", "points": points, **info})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"dataset": "modelnet", "classes_published": 40}, "modelnet40"),
        ({"dataset": "modelnet-h5", "classes_published": 40}, "modelnet40"),
        ({"dataset": "modelnet", "classes_published": 10}, "modelnet10"),
        ({"dataset": "modelnet", "classes_published": None}, "mine"),
        ({"dataset": "scanobjectnn", "variant": "obj_bg"}, "scanobjectnn-obj_bg"),
        ({"dataset": "shapenet"}, "shapenet"),
        (None, "mine"),
    ],
)
def test_names(tmp_path: Path, source: dict[str, Any] | None, name: str) -> None:
    assert shape_task_name(write(tmp_path / "mine", source=source)) == name


def test_as_many_points_as_someone_says(tmp_path: Path) -> None:
    store, audited = write(tmp_path / "s"), PROTOCOLS["audited"]
    untrained, trained = occupancy("occupancy:2"), replace(occupancy("occupancy:2"), points=16)
    assert open_shape_task(store, untrained, audited).points == 40, "as there are, below 1,024"
    assert open_shape_task(store, trained, audited).points == 16, "as it was trained on"
    assert open_shape_task(store, trained, replace(audited, points=20)).points == 20, "as the preset has it"


def test_validation_is_train_again(tmp_path: Path) -> None:
    store = write(tmp_path / "s", source={"dataset": "x", "published": {"train": 4, "test": 2}})
    task = open_shape_task(store, occupancy("occupancy:2"), PROTOCOLS["audited"])
    facts = task.facts()
    assert facts["split_counts"] == {"train": 2, "valid": 2, "test": 2, "unused": 0}
    assert facts["data"]["complete"] is True
    features = task_features(occupancy("occupancy:2"), task, cache=tmp_path / "c")
    assert list(features.splits) == ["train"] * 4 + ["test"] * 2


def test_repeats_are_found_once_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write(tmp_path / "s")
    task = open_shape_task(store, occupancy("occupancy:2"), PROTOCOLS["audited"])
    outcome = ridge.evaluate(task_features(occupancy("occupancy:2"), task, cache=tmp_path / "c"))
    found = repeated(store, cache=tmp_path / "c")
    monkeypatch.setattr("pointcloud.evaluation.repetition.repeats", lambda store: pytest.fail("it is known"))
    assert repeated(store, cache=tmp_path / "c") == found
    assert without(outcome, [4])["left_out"] == 1
    assert without(outcome, [4])["test"] == 1
    assert without(outcome, [])["accuracy"] == outcome.numbers["accuracy"]
    assert without(outcome, [4, 5])["accuracy"] is None
