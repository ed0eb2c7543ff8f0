"""ScanObjectNN: three variants in two folders, classes by number, and what is missing said in a sentence."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.datasets.scanobjectnn import CLASSES, VARIANTS, Variant, plan_scanobjectnn
from randquant.data_prep.engine.preparation import prepare, read_item
from randquant.errors import DataError

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

POINTS = 30
COUNTS = {"training": 12, "test": 3}  # of each class


def write(path: Path, labels: list[int], seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        file["data"] = np.random.default_rng(seed).normal(size=(len(labels), POINTS, 3)).astype(np.float32)
        file["label"] = np.array(labels, dtype=np.int32)
        file["mask"] = np.ones((len(labels), POINTS), dtype=np.int32)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for seed, (folder, ending) in enumerate(VARIANTS.values()):
        for part, count in COUNTS.items():
            labels = [label for _ in range(count) for label in range(len(CLASSES))]
            write(tmp_path / "data" / "h5_files" / folder / f"{part}_objectdataset{ending}.h5", labels, seed)
    return tmp_path / "data"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("wrapped", [True, False])
def test_variants(tree: Path, variant: Variant, wrapped: bool) -> None:
    root = tree if wrapped else tree / "h5_files"
    plan = plan_scanobjectnn(root, variant=variant, points=POINTS)
    folder, ending = VARIANTS[variant]
    prefix = "h5_files/" if wrapped else ""
    assert list(dict.fromkeys(item.path for item in plan.items)) == [
        f"{prefix}{folder}/{part}_objectdataset{ending}.h5" for part in COUNTS
    ]
    assert Counter(item.split for item in plan.items) == {"train": 11 * 15, "valid": 15, "test": 3 * 15}
    assert [item.label for item in plan.items[:15]] == list(CLASSES)
    assert plan.source["variant"] == variant
    assert plan.source["published"] == {}
    rows = np.concatenate(list(read_item(root, plan.items[4], plan.reader)[1]))
    assert sorted(rows[:, 3].tolist()) == list(range(POINTS))


def test_where_it_lies_does_not_change_the_split(tree: Path) -> None:
    plans = [plan_scanobjectnn(root, points=POINTS) for root in (tree, tree / "h5_files")]
    assert [item.split for item in plans[0].items] == [item.split for item in plans[1].items]


def test_a_store(tree: Path, tmp_path: Path) -> None:
    store = prepare(plan_scanobjectnn(tree, points=20), tmp_path / "store", strict=True)
    assert store.info["channels"] == ["x", "y", "z", "file_row"]
    assert (store.info["file_up"], store.info["sampling"]) == ("y", "as stored")
    assert set(store.lengths.tolist()) == {20}
    assert len(store.column("path")) == len(set(store.column("path"))) == 225


def test_a_missing_variant(tree: Path) -> None:
    shutil.rmtree(tree / "h5_files" / "main_split_nobg")
    with pytest.raises(DataError, match="holds train of obj_only; give --variant obj_bg or pb_t50_rs, or get"):
        plan_scanobjectnn(tree, variant="obj_only", points=POINTS)
    for path in tree.rglob("test_*.h5"):
        path.unlink()
    with pytest.raises(DataError, match="holds test of obj_bg; get the file"):
        plan_scanobjectnn(tree, variant="obj_bg", points=POINTS)


def test_wrong_numbers(tree: Path) -> None:
    write(tree / "h5_files" / "main_split" / "test_objectdataset.h5", [0, 15], 0)
    with pytest.raises(DataError, match="shape 1 has the label 15 where 0 to 14 are expected"):
        plan_scanobjectnn(tree, variant="obj_bg", points=POINTS)
    with pytest.raises(DataError, match="has 30 points a shape where 2048 are asked for; give --points 30"):
        plan_scanobjectnn(tree)


def test_wrong_roots(tree: Path) -> None:
    with pytest.raises(DataError, match=r"give --root .*data$"):
        plan_scanobjectnn(tree.parent)
    with pytest.raises(DataError, match=r"give --root .*h5_files$"):
        plan_scanobjectnn(tree / "h5_files" / "main_split")
    assert len(CLASSES) == len(set(CLASSES)) == 15


def test_classes_that_are_not_all_there_go_by_their_numbers(tree: Path) -> None:
    """Nothing in the files says whose labels they are; a list beside the folders does."""
    for part in COUNTS:
        write(tree / "h5_files" / "main_split" / f"{part}_objectdataset.h5", [0, 3, 14] * 4, 0)
    plan = plan_scanobjectnn(tree, variant="obj_bg", points=POINTS)
    assert {item.label for item in plan.items} == {"0", "3", "14"}
    assert plan.source["unnamed_classes"] == 3
    (tree / "h5_files" / "shape_names.txt").write_text("\n".join(reversed(CLASSES)))
    plan = plan_scanobjectnn(tree, variant="obj_bg", points=POINTS)
    assert [item.label for item in plan.items[:3]] == [CLASSES[14], CLASSES[11], CLASSES[0]]
    assert plan.source["unnamed_classes"] == 0
