"""ModelNet's tree of meshes: classes and splits by folder, a wrong root corrected in a sentence."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.datasets.modelnet import DATASET, MODELNET10, MODELNET40, PUBLISHED, plan_modelnet
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.notes import plan_notes
from randquant.errors import DataError, UsageError

REAL = Path(__file__).parents[4] / "shared" / "data" / "shapes30"
CUBE = """OFF8 6 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 {h}
1 0 {h}
1 1 {h}
0 1 {h}
4 0 3 2 1
4 4 5 6 7
4 0 1 5 4
4 1 2 6 5
4 2 3 7 6
4 3 0 4 7
"""


def mesh(path: Path, height: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CUBE.format(h=height))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twelve boxes of train and three of test in each of three classes, and what macOS leaves behind."""
    root = tmp_path / "data" / "ModelNet40"
    for label in ("night_stand", "car", "vase"):
        for number in range(1, 16):
            half = "train" if number <= 12 else "test"
            mesh(root / label / half / f"{label}_{number:04d}.off", number)
    (root / ".DS_Store").write_bytes(b"litter")
    (root / "car" / "train" / ".DS_Store").write_bytes(b"litter")
    (root / "car" / "train" / "._car_0001.off").write_bytes(b"litter")
    (root / "car" / "train" / "notes.txt").write_text("none of ours")
    (root / "README.txt").write_text("none of ours")
    mesh(root / "__MACOSX" / "train" / "x.off")
    (root / "cache").mkdir()
    mesh(root / "car" / "valid" / "car_0009.off")
    return root


def test_classes_and_splits(tree: Path) -> None:
    plan = plan_modelnet(tree)
    assert plan.source["published"] == {"train": 9843, "test": 2468}
    assert plan.source["classes_published"] == 40
    assert plan.source["other_folders"] == ["cache"]
    assert plan.source["other_parts"] == ["car/valid"]
    assert plan_notes(plan.source)[-2:] == [
        "folders without train or test, left out: cache",
        "folders beside train and test, left out: car/valid",
    ]
    assert plan.source["split_source"] == "folders, valid is 10 % of each class of train"
    assert list(dict.fromkeys(item.label for item in plan.items)) == ["car", "night_stand", "vase"]
    counts = Counter((item.label, item.split) for item in plan.items)
    for label in ("car", "night_stand", "vase"):
        assert [counts[label, split] for split in ("train", "valid", "test")] == [11, 1, 3]
    assert plan.items[0].path == "car/train/car_0001.off"
    assert {item.group for item in plan.items} == {None}
    whole = plan_modelnet(tree, validation=0)
    assert Counter(item.split for item in whole.items) == {"train": 36, "test": 9}
    assert whole.source["split_source"] == "folders"


def test_a_store(tree: Path, tmp_path: Path) -> None:
    (tree / "vase" / "test" / "vase_0099.off").write_text("OFF8 6 0\n0 0 0\n")
    store = prepare(plan_modelnet(tree, points=64), tmp_path / "store", workers=1)
    assert len(store) == 45
    assert set(store.lengths.tolist()) == {64}
    assert store.info["channels"] == ["x", "y", "z", "nx", "ny", "nz"]
    assert (store.info["up"], store.info["file_up"], store.info["sampling"]) == ("z", "z", "area")
    assert [entry["path"] for entry in store.info["skipped"]] == ["vase/test/vase_0099.off"]
    tall = store.rows(store.column("path").index("car/test/car_0015.off"))
    assert np.ptp(tall[:, 2]) > 4 * np.ptp(tall[:, 0])
    lying = prepare(plan_modelnet(tree, points=64, up="x"), tmp_path / "lying", workers=1)
    assert np.ptp(lying.rows(11)[:, 2]) < np.ptp(lying.rows(11)[:, 0])


def test_which_release(tree: Path) -> None:
    for label in ("car", "vase"):
        (tree / label).rename(tree.parent / label)
    assert plan_modelnet(tree).source["published"] == {"train": 3991, "test": 908}
    mesh(tree / "Starship" / "train" / "D1.off")
    assert plan_modelnet(tree).source["published"] == {}
    assert plan_modelnet(tree).source["classes_published"] is None


def test_a_class_folder_of_nearly_the_right_name(tree: Path) -> None:
    (tree / "vase").rename(tree / "vases")
    with pytest.raises(DataError, match=r"a class folder vases, .* rename it to vase"):
        plan_modelnet(tree)


def test_known_classes() -> None:
    assert (len(MODELNET40), len(MODELNET10)) == (40, 10)
    assert set(MODELNET10) < set(MODELNET40)
    assert list(MODELNET40) == sorted(MODELNET40)
    assert list(MODELNET10) == sorted(MODELNET10)
    assert {count: sum(halves.values()) for count, halves in PUBLISHED.items()} == {40: 12_311, 10: 4_899}


@pytest.mark.parametrize("classes", [("vase",), ("car", "night_stand", "vase")])
def test_halves_in_capitals_are_not_passed_over(classes: tuple[str, ...], tree: Path) -> None:
    for name in classes:
        (tree / name / "train").rename(tree / name / "Train")
        (tree / name / "test").rename(tree / name / "TEST")
    with pytest.raises(DataError, match="TEST should be called test, as in ModelNet; rename it"):
        plan_modelnet(tree)


def test_the_right_root_is_named(tree: Path) -> None:
    for wrong in (tree.parent, tree / "night_stand", tree / "night_stand" / "train", tree / "car" / "test"):
        with pytest.raises(DataError, match=f"give --root .*{tree.name}$") as caught:
            plan_modelnet(wrong)
        named = Path(str(caught.value).rpartition("--root ")[2])
        assert named.resolve() == tree.resolve()
        assert "\n" not in str(caught.value)


def test_classes_without_halves(tmp_path: Path) -> None:
    mesh(tmp_path / "tree" / "car" / "car_0001.off")
    with pytest.raises(DataError, match=r"meshes right in its class folders \(car/car_0001\.off\).*<class>/train"):
        plan_modelnet(tmp_path / "tree")


def test_refusals(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--points should be at least 1, got 0"):
        plan_modelnet(tree, points=0)
    with pytest.raises(UsageError, match="--validation"):
        plan_modelnet(tree, validation=1)
    with pytest.raises(DataError, match="is not the root of ModelNet"):
        plan_modelnet(tmp_path / "data" / "ModelNet40" / "cache")
    with pytest.raises(DataError, match="does not exist"):
        plan_modelnet(tmp_path / "absent")
    assert "\n" in DATASET.tree


@pytest.mark.skipif(not REAL.is_dir(), reason="the real shapes are not here")
def test_real_shapes(tmp_path: Path) -> None:
    plan = plan_modelnet(REAL, points=128)
    assert len(plan.items) == 842
    assert len({item.label for item in plan.items}) == 30
    learned = {split: {item.label for item in plan.items if item.split == split} for split in ("train", "valid")}
    assert learned["train"] == learned["valid"]
    assert plan.source["published"] == {}
