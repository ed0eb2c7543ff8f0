"""ShapeNet in its four forms: meshes of two versions, ShapeNet-55 with its lists, one array of clouds."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.datasets.shapenet import plan_shapenet
from randquant.data_prep.engine.preparation import prepare
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.farthest_point_order import farthest_point_order

OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
MODELS = [("02691156", "1a04e3"), ("02691156", "u3f-2b"), ("03001627", "1a04e3")]
POINTS = 60


def clouds(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, POINTS, 3)).astype(np.float32)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """ShapeNet-55: four shapes of train, two of test, one of neither."""
    root = tmp_path / "data" / "ShapeNet55-34"
    (root / "shapenet_pc").mkdir(parents=True)
    (root / "ShapeNet-55").mkdir()
    names = [f"{synset}-model-{number}.npy" for number in range(3) for synset in ("02691156", "03001627")]
    for name, cloud in zip([*names, "04379243-x.npy"], clouds(7), strict=True):
        np.save(root / "shapenet_pc" / name, cloud)
    (root / "ShapeNet-55" / "train.txt").write_text("\n".join(reversed(names[:4])) + "\n")
    (root / "ShapeNet-55" / "test.txt").write_text("\n".join(names[4:]) + "\n")
    (root / "shapenet_pc" / "notes.npy").write_text("none of ours")
    return root


@pytest.mark.parametrize("inner", ["model.obj", "models/model_normalized.obj"])
def test_meshes(tmp_path: Path, inner: str) -> None:
    root = tmp_path / "ShapeNetCore"
    for synset, model in MODELS:
        path = root / synset / model / inner
        path.parent.mkdir(parents=True)
        path.write_text(OBJ)
        (path.parent / "model.mtl").write_text("none of ours")
        (path.parent / "other.obj").write_text("none of ours")
    (root / "taxonomy.json").write_text("[]")
    plan = plan_shapenet(root, points=16)
    assert [(item.path, item.label, item.group, item.split) for item in plan.items] == [
        (f"{synset}/{model}/{inner}", synset, model, None) for synset, model in MODELS
    ]
    store = prepare(plan, tmp_path / "store", strict=True)
    assert store.lengths.tolist() == [16] * 3
    assert (store.info["file_up"], store.info["sampling"]) == ("y", "area")
    with pytest.raises(DataError, match=r"give --root .*ShapeNetCore$"):
        plan_shapenet(tmp_path)
    with pytest.raises(DataError, match=r"give --root .*ShapeNetCore$"):
        plan_shapenet(root / "02691156")


def test_lists(lists: Path, tmp_path: Path) -> None:
    plan = plan_shapenet(lists, points=25)
    assert [item.split for item in plan.items] == ["train"] * 4 + ["test"] * 2
    assert plan.items[0].path == "shapenet_pc/02691156-model-0.npy"
    assert (plan.items[0].label, plan.items[0].group) == ("02691156", "model-0")
    assert (plan.source["unlisted_shapes"], plan.source["missing"]) == (1, 0)
    store = prepare(plan, tmp_path / "store", strict=True)
    assert store.info["channels"] == ["x", "y", "z"]
    upright = np.load(lists / store.column("path")[0])[:, [0, 2, 1]] * [1, -1, 1]
    spread = upright[farthest_point_order(upright, 25)]  # of the whole file, not of its first points
    centred = spread - spread.mean(axis=0)
    expected = centred / np.linalg.norm(centred, axis=1).max()
    assert np.allclose(sorted(store.rows(0).tolist()), sorted(expected.tolist()), atol=1e-5)


def test_losses_and_no_lists(lists: Path) -> None:
    (lists / "shapenet_pc" / "02691156-model-0.npy").unlink()
    assert plan_shapenet(lists).missing == ["shapenet_pc/02691156-model-0.npy"]
    for name in ("train", "test"):
        (lists / "ShapeNet-55" / f"{name}.txt").unlink()
    plan = plan_shapenet(lists)
    assert Counter(item.split for item in plan.items) == {None: 6}
    assert plan.source["split_source"] == "none"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("chair.npy\n", "'chair.npy' where <synset>-<model>.npy is expected"),
        ("../../x.npy\n", "is expected"),
        ("02691156-model-0.npy\n", "is in train already"),
        ("<html>", "web page"),
    ],
)
def test_wrong_lists(lists: Path, content: str, words: str) -> None:
    (lists / "ShapeNet-55" / "test.txt").write_text(content)
    with pytest.raises(DataError, match=words):
        plan_shapenet(lists)


def test_wrong_arrays_are_left_out(lists: Path, tmp_path: Path) -> None:
    files = sorted((lists / "shapenet_pc").glob("0*.npy"))
    np.save(files[0], clouds(1)[0, :, :2])
    np.save(files[1], clouds(1)[0, :10])
    files[2].write_bytes(pickle.dumps({"a": 1}))
    files[3].write_bytes(files[3].read_bytes()[:200])
    store = prepare(plan_shapenet(lists, points=25), tmp_path / "store", workers=1)
    assert sorted(store.lengths.tolist()) == [10, 25, 25]
    assert store.column("short_clouds").count(1) == 1
    reasons = " ".join(entry["reason"] for entry in store.info["skipped"])
    for words in ("holds (60, 2) where (points, 3)", "is not an array of numbers"):
        assert words in reasons


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array(tmp_path: Path, save: object) -> None:
    assert callable(save)
    root = tmp_path / "data"
    root.mkdir()
    save(root / "shapenet57448xyzonly.npz", data=clouds(40))
    plan = plan_shapenet(root, points=POINTS)
    assert len(plan.items) == 40
    assert plan.items[3].name == "shapenet57448xyzonly.npz#3-4"
    assert {(item.label, item.split, item.group) for item in plan.items} == {(None, None, None)}
    store = prepare(plan, tmp_path / "store", strict=True)
    turned = clouds(40)[7][:, [0, 2, 1]] * [1, -1, 1]
    centred = turned - turned.mean(axis=0)
    expected = centred / np.linalg.norm(centred, axis=1).max()
    assert np.allclose(sorted(store.rows(7).tolist()), sorted(expected.tolist()), atol=1e-6)
    with pytest.raises(DataError, match="has 60 points a shape where 61 are asked for; give --points 60"):
        plan_shapenet(root, points=61)
    np.savez(root / "another.npz", data=clouds(2))
    with pytest.raises(DataError, match="holds 2 arrays"):
        plan_shapenet(root)


def test_refusals(lists: Path) -> None:
    with pytest.raises(UsageError, match="--points"):
        plan_shapenet(lists, points=0)
    for wrong in (lists.parent, lists / "shapenet_pc"):
        with pytest.raises(DataError, match=r"give --root .*ShapeNet55-34$"):
            plan_shapenet(wrong)
