"""Point-BERT's pickles of ModelNet: rows are items, names come from beside it, nothing in a file is run."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.datasets.modelnet import MODELNET40, plan_modelnet
from randquant.data_prep.datasets.modelnet_dat import plan_modelnet_dat
from randquant.data_prep.engine.preparation import prepare, read_item
from randquant.data_prep.synthetic.shapes.modelnet import write_modelnet, write_modelnet_dat
from randquant.errors import DataError

POINTS = 40


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_modelnet_dat(tmp_path / "made", train=4, test=2, points=POINTS)


def path_of(tree: Path, split: str) -> Path:
    return tree / f"modelnet40_{split}_{POINTS}pts_fps.dat"


def changed(tree: Path, content: Any) -> Path:
    path_of(tree, "train").write_bytes(pickle.dumps(content))
    return tree


def test_rows_are_items_and_become_the_first_points(tree: Path, tmp_path: Path) -> None:
    plan = plan_modelnet_dat(tree, points=16)
    assert Counter(item.split for item in plan.items) == {"train": 45, "valid": 15, "test": 30}
    assert plan.source["published"] == {"train": 9843, "test": 2468}
    clouds, labels = pickle.loads(path_of(tree, "train").read_bytes())
    for row in (0, 33):
        item = plan.items[row]
        assert item.name == f"{path_of(tree, 'train').name}#{row}-{row + 1}"
        assert item.label == MODELNET40[int(labels[row][0])]
        rows = np.concatenate(list(read_item(tree, item, plan.reader)[1]))
        places = rows[:, -1].astype(int)
        assert sorted(places.tolist()) == list(range(16))
        upright = clouds[row][places][:, [0, 2, 1]] * [1, -1, 1]
        centred = upright - upright.mean(axis=0)
        np.testing.assert_allclose(rows[:, :3], centred / np.linalg.norm(centred, axis=1).max(), atol=1e-6)
        np.testing.assert_allclose(rows[:, 3:6], clouds[row][places][:, [3, 5, 4]] * [1, -1, 1], atol=1e-6)
    store = prepare(plan, tmp_path / "store", strict=True)
    assert store.info["channels"] == ["x", "y", "z", "nx", "ny", "nz", "file_row"]


def test_valid_are_the_shapes_of_the_meshes(tree: Path, tmp_path: Path) -> None:
    names = (tree / "modelnet40_train.txt").read_text().split()
    held_out = {
        name
        for item, name in zip(plan_modelnet_dat(tree, points=8).items, names, strict=False)
        if item.split == "valid"
    }
    meshes = plan_modelnet(write_modelnet(tmp_path / "meshes", train=4, test=2)).items
    assert {Path(item.path).stem for item in meshes if item.split == "valid"} == held_out
    for listing in tree.glob("*.txt"):
        listing.unlink()
    assert Counter(item.split for item in plan_modelnet_dat(tree, points=8).items) == {
        "train": 45,
        "valid": 15,
        "test": 30,
    }


def test_the_largest_of_several_is_taken_and_a_missing_one_counted(tree: Path) -> None:
    whole = path_of(tree, "train")
    (tree / "modelnet40_train_8pts_fps.dat").write_bytes(b"not looked at")
    assert {item.path for item in plan_modelnet_dat(tree, points=8).items} == {whole.name, path_of(tree, "test").name}
    path_of(tree, "test").unlink()
    plan = plan_modelnet_dat(tree, points=8)
    assert plan.source["missing_first"] == ["modelnet40_test_8192pts_fps.dat"]
    with pytest.raises(DataError, match="--classes"):
        plan_modelnet_dat(tree, classes=10)


CLOUD, LABEL = np.zeros((POINTS, 6), np.float32), np.array([3], np.int32)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"train": []}, "a list of clouds and a list of labels"),
        ([[CLOUD], []], "as many labels as clouds"),
        ([[], []], "no shapes"),
        ([[CLOUD], [np.array([40])]], "the label 40 where 0 to 39"),
        ([[CLOUD], ["chair"]], "not a class number"),
        ([[CLOUD[:, :3]], [LABEL]], "give --no_normals"),
        ([[CLOUD[:4]], [LABEL]], "lower --points"),
        ([[CLOUD], [LABEL]], "names other shapes"),
    ],
)
def test_other_content_is_one_sentence(tree: Path, content: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        plan_modelnet_dat(changed(tree, content), points=8)


def test_a_pickle_that_would_run_something_is_refused(tree: Path, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    with pytest.raises(DataError, match="which was not run"):
        plan_modelnet_dat(changed(tree, [[CLOUD], [Payload()]]), points=8)
    assert not (tmp_path / "ran").exists()


def test_classes_are_counted_as_the_list_beside_the_files_has_them(tree: Path) -> None:
    for listing in tree.glob("*.txt"):
        listing.unlink()
    labels = [item.label for item in plan_modelnet_dat(tree, points=8).items]
    (tree / "modelnet40_shape_names.txt").write_text("\n".join(reversed(MODELNET40)))
    turned = [item.label for item in plan_modelnet_dat(tree, points=8).items]
    assert [MODELNET40[-1 - MODELNET40.index(str(label))] for label in labels] == turned


def test_ten_labels_under_the_name_of_forty_go_by_their_numbers(tree: Path) -> None:
    for listing in tree.glob("*.txt"):
        listing.unlink()
    for split in ("train", "test"):
        clouds, labels = pickle.loads(path_of(tree, split).read_bytes())
        path_of(tree, split).write_bytes(pickle.dumps([clouds, [label % 10 for label in labels]]))
    plan = plan_modelnet_dat(tree, points=8, validation=0)
    assert {str(item.label) for item in plan.items} <= set("0123456789")
    assert (plan.source["published"], plan.source["classes_published"]) == ({}, None)
    assert plan.source["unnamed_classes"] > 0
