"""What a store is called, and how many points are taken of its shapes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.data.store import Store, StoreWriter
from randquant.pointcloud.encoders.occupancy import occupancy
from randquant.pointcloud.evaluation.evaluate import Evaluation, Questions, without
from randquant.pointcloud.evaluation.protocols import PROTOCOLS
from randquant.pointcloud.evaluation.repeats import known_repeats
from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.evaluation.shape_task import open_shape_task, shape_task_name
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.points.layout import XYZ
from randquant.probes import ridge


def write(folder: Path, *, points: int = 40, short: int = 0, **info: Any) -> Store:
    generator = np.random.default_rng(0)
    writer = StoreWriter(folder, kind="points", plan="shapes")
    with writer.begin(), writer.shard(0) as shard:
        for index, split in enumerate(("train", "train", "valid", "valid", "test", "test")):
            cloud = generator.normal(size=(points - (index < short), 3)).astype(np.float32)
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


def test_every_shape_is_turned(tmp_path: Path) -> None:
    store, loaded, audited = write(tmp_path / "s"), occupancy("occupancy:6"), PROTOCOLS["audited"]
    plain, turned = (open_shape_task(store, loaded, audited, turned=seed) for seed in (None, 3))
    assert (turned.name, plain.name) == ("s-turned", "s")
    found = turned.features(loaded, cache=tmp_path / "c")
    clouds = [torch.from_numpy(store.rows(row).copy()) for row in range(6)]
    change = Corruption("rotation_up", 180.0, 3)
    expected = [change(cloud[None], [row], XYZ) for row, cloud in enumerate(clouds)]
    for row, cloud in enumerate(expected):
        assert torch.equal(torch.from_numpy(found.vectors[row]), loaded.encoder(unit_sphere(cloud))[0])
    assert not np.array_equal(found.vectors, plain.features(loaded, cache=tmp_path / "c").vectors)


def test_validation_is_train_again(tmp_path: Path) -> None:
    store = write(tmp_path / "s", source={"dataset": "x", "published": {"train": 4, "test": 2}})
    task = open_shape_task(store, occupancy("occupancy:2"), PROTOCOLS["audited"])
    loaded, device, audited = occupancy("occupancy:2"), torch.device("cpu"), PROTOCOLS["audited"]
    questions = Questions(["ridge"], robustness=False, repeats=False, finetune=None)
    evaluation = Evaluation("occupancy:2", audited, audited, questions, 42, tmp_path / "c", device)
    result = evaluation.on_task(loaded, task)[0].result
    assert result.split_counts == {"train": 2, "valid": 2, "test": 2, "unused": 0}
    assert result.data.complete is True
    features = task.features(occupancy("occupancy:2"), cache=tmp_path / "c")
    assert list(features.splits) == ["train"] * 4 + ["test"] * 2


def test_repeats_are_found_once_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write(tmp_path / "s")
    task = open_shape_task(store, occupancy("occupancy:2"), PROTOCOLS["audited"])
    outcome = ridge.evaluate(task.features(occupancy("occupancy:2"), cache=tmp_path / "c"))
    found = known_repeats(store, cache=tmp_path / "c")
    monkeypatch.setattr("randquant.pointcloud.evaluation.repeats.repeats", lambda store: pytest.fail("it is known"))
    assert known_repeats(store, cache=tmp_path / "c") == found
    assert without(outcome, {4: True}).left_out == 1
    assert without(outcome, {4: True}).test == 1
    assert without(outcome, {}).accuracy == outcome.numbers.accuracy
    assert without(outcome, {4: True, 5: False}).accuracy is None


def test_short_shapes_are_counted_aloud(tmp_path: Path) -> None:
    audited, encoder = PROTOCOLS["audited"], occupancy("occupancy:2")
    some, one = write(tmp_path / "some", short=2), write(tmp_path / "one", short=1)
    assert open_shape_task(some, encoder, audited).points == 40, "the most there are, below 1,024"
    assert open_shape_task(some, encoder, audited).notes == [
        "2 shapes of some have fewer than 40 points: each is taken whole"
    ]
    assert open_shape_task(one, encoder, audited).notes == [
        "1 shape of one has fewer than 40 points: each is taken whole"
    ]
    assert not open_shape_task(one, encoder, replace(audited, points=39)).notes
    assert not open_shape_task(one, encoder, replace(audited, points="any")).notes
