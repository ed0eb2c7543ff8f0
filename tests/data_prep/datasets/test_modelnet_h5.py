"""ModelNet40 in HDF5: an item is a row of a file, names and splits come from beside it, wrong arrays are refused."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep import cloud_h5
from randquant.data_prep.datasets.modelnet import MODELNET40, plan_modelnet
from randquant.data_prep.datasets.modelnet_h5 import plan_modelnet_h5
from randquant.data_prep.engine.preparation import prepare, read_item
from randquant.data_prep.notes import plan_notes
from randquant.errors import DataError, UsageError

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

LABELS = (37, 0, 23)  # vase, airplane, night_stand
POINTS = 40


def write(path: Path, arrays: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip" if np.ndim(array) else None)


def arrays(labels: list[int], seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    normal = generator.normal(size=(len(labels), POINTS, 3)).astype(np.float32)
    return {
        "data": generator.normal(size=(len(labels), POINTS, 3)).astype(np.float32) * [0.2, 1.0, 0.2],
        "label": np.array(labels, dtype=np.uint8)[:, None],
        "normal": normal / np.linalg.norm(normal, axis=-1, keepdims=True),
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two files of train and one of test, with names; eight shapes of each of three classes in train."""
    root = tmp_path / "data" / "modelnet40_ply_hdf5_2048"
    root.mkdir(parents=True)
    parts = {"train0": (1, 5), "train1": (5, 9), "test0": (9, 11)}
    for seed, (part, (start, stop)) in enumerate(parts.items()):
        labels = [label for _ in range(start, stop) for label in LABELS]
        names = [f"{MODELNET40[label]}_{number:04d}" for number in range(start, stop) for label in LABELS]
        write(root / f"ply_data_{part}.h5", arrays(labels, seed))
        files = [f"{name.rpartition('_')[0]}/{name}.ply" for name in names]
        (root / f"ply_data_{part[:-1]}_{part[-1]}_id2file.json").write_text(json.dumps(files))
    prefix = "data/modelnet40_ply_hdf5_2048/ply_data_"
    (root / "train_files.txt").write_text(f"{prefix}train1.h5\n{prefix}train0.h5\n")
    (root / "test_files.txt").write_text(f"{prefix}test0.h5\r\n".replace("/", "\\"))  # as written on Windows
    (root / "shape_names.txt").write_text("\n".join(MODELNET40) + "\n")
    (root / "._ply_data_train0.h5").write_bytes(b"litter")
    return root


def test_rows_are_items(tree: Path, tmp_path: Path) -> None:
    plan = plan_modelnet_h5(tree, points=POINTS)
    assert [item.name for item in plan.items[:2]] == ["ply_data_train0.h5#0-1", "ply_data_train0.h5#1-2"]
    assert [item.path for item in plan.items] == [
        *["ply_data_train0.h5"] * 12,
        *["ply_data_train1.h5"] * 12,
        *["ply_data_test0.h5"] * 6,
    ]
    assert Counter(item.split for item in plan.items) == {"train": 21, "valid": 3, "test": 6}
    assert [item.label for item in plan.items[:3]] == ["vase", "airplane", "night_stand"]
    assert plan.source["published"] == {"train": 9840, "test": 2468}
    sizes = sum(item.size for item in plan.items)
    assert 0 <= sum(path.stat().st_size for path in tree.glob("ply*.h5")) - sizes < len(plan.items)
    store = prepare(plan, tmp_path / "store", strict=True)
    assert store.column("shape")[:3] == ["vase/vase_0001", "airplane/airplane_0001", "night_stand/night_stand_0001"]
    assert store.info["channels"] == ["x", "y", "z", "file_row"]
    assert store.lengths.tolist() == [POINTS] * 30


@pytest.mark.parametrize("points", [15, POINTS])
def test_the_first_points_of_the_row(tree: Path, points: int) -> None:
    plan = plan_modelnet_h5(tree, points=points, normals=True)
    item = plan.items[13]
    assert item.name == "ply_data_train1.h5#1-2"
    rows = np.concatenate(list(read_item(tree, item, plan.reader)[1]))
    with h5py.File(tree / item.path) as file:
        data, normal = file["data"][1], file["normal"][1]
    row = rows[:, -1].astype(int)
    assert sorted(row.tolist()) == list(range(points))
    upright = data[row][:, [0, 2, 1]] * [1, -1, 1]
    centred = upright - upright.mean(axis=0)
    assert np.allclose(rows[:, :3], centred / np.linalg.norm(centred, axis=1).max(), atol=1e-6)
    assert np.allclose(rows[:, 3:6], normal[row][:, [0, 2, 1]] * [1, -1, 1], atol=1e-6)
    assert plan.reader.settings["channels"] == ["x", "y", "z", "nx", "ny", "nz", "file_row"]


def test_names_decide_what_is_valid(tree: Path, tmp_path: Path) -> None:
    """The same shapes as of the meshes."""
    plan = plan_modelnet_h5(tree, points=POINTS)
    names = [name for part in ("train_0", "train_1", "test_0") for name in read_names(tree, part)]
    valid = {name for item, name in zip(plan.items, names, strict=True) if item.split == "valid"}
    for item, name in zip(plan.items, names, strict=True):
        half = "test" if item.split == "test" else "train"
        path = tmp_path / "meshes" / str(item.label) / half / f"{Path(name).stem}.off"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("OFF\n")
    meshes = plan_modelnet(tmp_path / "meshes").items
    assert {f"{item.label}/{Path(item.path).stem}.ply" for item in meshes if item.split == "valid"} == valid


def read_names(tree: Path, part: str) -> list[str]:
    names: list[str] = json.loads((tree / f"ply_data_{part}_id2file.json").read_text())
    return names


def test_without_lists_and_names(tree: Path, tmp_path: Path) -> None:
    for path in [*tree.glob("*.txt"), *tree.glob("*.json")]:
        path.unlink()
    assert plan_modelnet_h5(tree, points=POINTS).source["split_source"].startswith("the files' names")
    plan = plan_modelnet_h5(tree, points=POINTS)
    assert Counter(item.split for item in plan.items) == {"train": 21, "valid": 3, "test": 6}
    store = prepare(plan, tmp_path / "store", strict=True)
    assert set(store.column("shape")) == {None}
    assert set(store.column("label")) == {"vase", "airplane", "night_stand"}


CASE = Path(__file__).parents[1] / "cases" / "points" / "modelnet10_hdf5_2048"


def test_classes_are_called_what_the_folder_says() -> None:
    """ModelNet10 without a list of classes: label 0 is a bathtub and no airplane."""
    plan = plan_modelnet_h5(CASE, points=64)
    names = [Path(name).stem for part in ("train_0", "test_0") for name in read_names(CASE, part)]
    assert [item.label for item in plan.items] == [name.rpartition("_")[0] for name in names]
    assert plan.source["classes_published"] == 10
    assert plan.source["published"] == {"train": 3991, "test": 908}


def test_classes_by_name_beside_the_files(tree: Path) -> None:
    """As in copies whose files are called train0.h5."""
    (tree / "shape_names.txt").unlink()
    for part in ("train0", "train1", "test0"):
        path = tree / f"ply_data_{part}.h5"
        path.rename(tree / f"{part}.h5")
        (tree / f"ply_data_{part[:-1]}_{part[-1]}_id2file.json").unlink()
        with h5py.File(tree / f"{part}.h5") as file:
            names = [f"thing {label}" for label in file["label"][:, 0]]
        (tree / f"{part}_id2name.json").write_text(json.dumps(names))
    for path in tree.glob("*_files.txt"):
        path.unlink()
    plan = plan_modelnet_h5(tree, points=POINTS)
    assert [item.label for item in plan.items[:3]] == ["thing 37", "thing 0", "thing 23"]
    assert plan.source["published"] == {}


@pytest.mark.parametrize(
    ("folder", "labels", "first", "unnamed"),
    [
        ("modelnet40_hdf5", (37, 0, 23), "vase", 0),
        ("modelnet40_hdf5", (9, 0, 3), "9", 3),  # what ModelNet10 has too
        ("modelnet10_hdf5", (9, 0, 3), "toilet", 0),
        ("modelnet10_hdf5", (10, 0, 3), "10", 3),
        ("shapes", (37, 0, 23), "37", 3),
        ("shapes", (9, 0, 3), "9", 3),
        ("shapes", (39, *range(39)), "xbox", 0),
    ],
)
def test_classes_that_nothing_names(
    folder: str, labels: tuple[int, ...], first: str, unnamed: int, tmp_path: Path
) -> None:
    root = tmp_path / folder
    root.mkdir()
    for part in ("train", "test"):
        write(root / f"ply_data_{part}0.h5", arrays([label for label in labels for _ in range(2)]))
    plan = plan_modelnet_h5(root, points=POINTS, validation=0)
    assert (plan.items[0].label, plan.source["unnamed_classes"]) == (first, unnamed)
    assert (plan.source["classes_published"] is None) == (unnamed > 0)
    assert plan_notes(plan.source)[:1] == (
        [f"classes that nothing in the folder names, called by their numbers: {unnamed}"] if unnamed else []
    )


def test_files_are_opened_once(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    real = h5py.File

    def counted(path: Path, mode: str, **options: object) -> object:
        opened.append(path)
        return real(path, mode, **options)

    plan = plan_modelnet_h5(tree, points=POINTS)
    cloud_h5._opened.cache_clear()
    monkeypatch.setattr(h5py, "File", counted)
    prepare(plan, tmp_path / "store", workers=1)
    assert len(opened) == 3


def test_a_file_that_is_replaced_is_read_anew(tree: Path) -> None:
    plan = plan_modelnet_h5(tree, points=POINTS)
    before = np.concatenate(list(read_item(tree, plan.items[0], plan.reader)[1]))
    write(tree / "ply_data_train0.h5", arrays([1] * 13, seed=9))
    after = np.concatenate(list(read_item(tree, plan.items[0], plan.reader)[1]))
    assert not np.array_equal(before, after)
    assert plan.fingerprint() != _plan_again(tree).fingerprint()


def _plan_again(tree: Path) -> Any:
    (tree / "ply_data_train_0_id2file.json").unlink()
    return plan_modelnet_h5(tree, points=POINTS)


def test_a_missing_file_is_counted(tree: Path) -> None:
    (tree / "ply_data_train1.h5").unlink()
    plan = plan_modelnet_h5(tree, points=POINTS)
    assert len(plan.items) == 18
    assert plan.missing == ["ply_data_train1.h5"]
    for name in ("train0", "test0"):
        (tree / f"ply_data_{name}.h5").unlink()
    with pytest.raises(DataError, match="none of the 3 files"):
        plan_modelnet_h5(tree, points=POINTS)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("data"), r"has no array data \(it holds label \(12, 1\), normal"),
        (lambda a: a.pop("label"), "has no array label"),
        (lambda a: a.update(data=a["label"], label=a["data"]), r"has data of shape \(12, 1\) where"),
        (lambda a: a.update(data=a["data"][..., :2]), r"data of shape \(12, 40, 2\)"),
        (lambda a: a.update(data=a["data"][:0]), r"data of shape \(0, 40, 3\)"),
        (lambda a: a.update(data=a["data"].astype(np.int32)), "has data of shape"),
        (lambda a: a.update(label=a["label"][:-1]), r"label of shape \(11, 1\) where \(12, 1\) is expected"),
        (lambda a: a["label"].__setitem__(4, 40), "calls shape 4, whose label is 40, airplane"),
        (lambda a: a.update(label=a["label"] - 0.5), "has the label 36.5"),
        (lambda a: a.update(label=a["label"].astype(np.int64) - 1), "shape 1 has the label -1"),
        (lambda a: a.update(normal=a["normal"][:, :5]), "normals of another shape"),
        (lambda a: a.pop("normal"), "has no array normal"),
    ],
)
def test_wrong_arrays(tree: Path, change: Change, words: str) -> None:
    content = arrays([label for _ in range(4) for label in LABELS])
    change(content)
    write(tree / "ply_data_train0.h5", content)
    with pytest.raises(DataError, match=words) as caught:
        plan_modelnet_h5(tree, points=POINTS, normals=True)
    assert "\n" not in str(caught.value)


def test_too_few_points(tree: Path) -> None:
    with pytest.raises(DataError, match="has 40 points a shape where 2048 are asked for; give --points 40"):
        plan_modelnet_h5(tree)
    with pytest.raises(UsageError, match="--points"):
        plan_modelnet_h5(tree, points=0)


def test_unusable_shapes_are_left_out(tree: Path, tmp_path: Path) -> None:
    content = arrays([label for _ in range(4) for label in LABELS])
    content["data"][3, 7, 1] = np.nan
    content["data"][5] = 1.0
    write(tree / "ply_data_train0.h5", content)
    store = prepare(plan_modelnet_h5(tree, points=POINTS), tmp_path / "store", workers=1)
    skipped = {entry["path"]: entry["reason"] for entry in store.info["skipped"]}
    assert list(skipped) == ["ply_data_train0.h5#3-4", "ply_data_train0.h5#5-6"]
    assert "ply_data_train0.h5 shape 3: " in skipped["ply_data_train0.h5#3-4"]
    assert "in one place" in skipped["ply_data_train0.h5#5-6"]


def test_damaged_files(tree: Path, tmp_path: Path) -> None:
    whole = (tree / "ply_data_train0.h5").read_bytes()
    for content in (b"", b"<!DOCTYPE html>", whole[:1000]):
        (tree / "ply_data_train0.h5").write_bytes(content)
        with pytest.raises(DataError, match=r"train0\.h5 is not an HDF5 file or is cut off"):
            plan_modelnet_h5(tree, points=POINTS)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train_files.txt", "notes.doc\n", "names notes.doc, which is not an .h5 file"),
        ("shape_names.txt", "chair\nchair\n", "should name each class once"),
        ("train_files.txt", "a/ply_data_train0.h5\na/ply_data_test0.h5\n", "both lists of .* name ply_data_test0.h5"),
        ("shape_names.txt", "chair\ntable\n", "names 2 classes where the label 37 occurs"),
        (
            "shape_names.txt",
            "\n".join(reversed(MODELNET40)),
            "calls the label 0 xbox where the names of its shapes say",
        ),
        (
            "ply_data_train_0_id2file.json",
            json.dumps(["car/car_0001.ply", "airplane/airplane_0001.ply"] * 6),
            "calls shape 2, whose label is 23, car, where others",
        ),
        ("ply_data_train_0_id2file.json", '["a/b.ply"]', "names 1 shapes where ply_data_train0.h5 has 12"),
        ("ply_data_train_0_id2file.json", '{"a": 1}', "should be a list of names"),
        ("ply_data_train_0_id2file.json", "[", "is not JSON"),
    ],
)
def test_wrong_lists(tree: Path, name: str, content: str, words: str) -> None:
    (tree / name).write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        plan_modelnet_h5(tree, points=POINTS)
    assert "\n" not in str(caught.value)


def test_wrong_roots(tree: Path) -> None:
    with pytest.raises(DataError, match=r"give --root .*modelnet40_ply_hdf5_2048$"):
        plan_modelnet_h5(tree.parent, points=POINTS)
