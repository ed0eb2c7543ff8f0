"""ModelNet40 as text: the lists decide, the first points of a file are kept, and bad files and lists are refused."""

import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.datasets.modelnet import MODELNET10, MODELNET40, plan_modelnet
from randquant.data_prep.datasets.modelnet_txt import plan_modelnet_txt
from randquant.data_prep.engine.preparation import prepare, read_item
from randquant.errors import DataError, UsageError

LABELS = ("night_stand", "airplane", "chair")
POINTS = 50


def cloud(seed: int) -> np.ndarray:
    numbers = np.random.default_rng(seed).normal(size=(POINTS, 6))
    numbers[:, :3] *= 0.2, 1.0, 0.2  # upright on y
    numbers[:, 3:] /= np.linalg.norm(numbers[:, 3:], axis=1, keepdims=True)
    return numbers


def write(path: Path, numbers: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, numbers, fmt="%.6f", delimiter=",")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data" / "modelnet40_normal_resampled"
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for label in LABELS:
        for number in range(1, 16):
            name = f"{label}_{number:04d}"
            write(root / label / f"{name}.txt", cloud(hash_of(name)))
            lists["train" if number <= 12 else "test"].append(name)
    for count, names in ((40, MODELNET40), (10, MODELNET10)):
        (root / f"modelnet{count}_shape_names.txt").write_text("\n".join(names) + "\n")
        for half, members in lists.items():
            known = [name for name in members if name.rpartition("_")[0] in names]
            (root / f"modelnet{count}_{half}.txt").write_text("\n".join(known) + "\n")
    (root / "filelist.txt").write_text("none of ours\n")
    (root / "chair" / "._chair_0001.txt").write_bytes(b"litter")
    return root


def hash_of(name: str) -> int:
    return sum(map(ord, name)) + 1000 * len(name)


def test_lists_decide(tree: Path) -> None:
    plan = plan_modelnet_txt(tree, points=POINTS)
    assert Counter(item.split for item in plan.items) == {"train": 33, "valid": 3, "test": 9}
    assert {item.label for item in plan.items} == set(LABELS)
    assert plan.items[0].path == "night_stand/night_stand_0001.txt"
    assert plan.source["published"] == {"train": 9843, "test": 2468}
    assert (plan.source["missing"], plan.source["unlisted_shapes"]) == (0, 0)
    ten = plan_modelnet_txt(tree, classes=10, points=POINTS)
    assert {item.label for item in ten.items} == {"night_stand", "chair"}
    assert ten.source["published"] == {"train": 3991, "test": 908}
    assert ten.source["classes_published"] == 10


def test_the_same_shapes_as_of_the_meshes(tree: Path, tmp_path: Path) -> None:
    for item in plan_modelnet_txt(tree, validation=0).items:
        path = tmp_path / "meshes" / str(item.label) / str(item.split) / f"{Path(item.path).stem}.off"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("OFF\n")
    by_name = {Path(item.path).stem: item.split for item in plan_modelnet(tmp_path / "meshes").items}
    assert by_name == {Path(item.path).stem: item.split for item in plan_modelnet_txt(tree).items}


@pytest.mark.parametrize("points", [20, POINTS])
@pytest.mark.parametrize("normals", [True, False])
def test_the_first_points_of_the_file(tree: Path, tmp_path: Path, points: int, normals: bool) -> None:
    plan = plan_modelnet_txt(tree, points=points, normals=normals)
    rows = np.concatenate(list(read_item(tree, plan.items[0], plan.reader)[1]))
    file = np.loadtxt(tree / plan.items[0].path, delimiter=",")
    row = rows[:, -1].astype(int)
    assert sorted(row.tolist()) == list(range(points))
    upright = file[row][:, [0, 2, 1]] * [1, -1, 1]  # y up to z up, turned and not swapped
    centred = upright - upright.mean(axis=0)
    assert np.allclose(rows[:, :3], centred / np.linalg.norm(centred, axis=1).max(), atol=1e-6)
    if normals:
        assert np.allclose(rows[:, 3:6], file[row][:, [3, 5, 4]] * [1, -1, 1], atol=1e-6)
    assert rows.shape[1] == (7 if normals else 4)
    assert len(plan.reader.settings["channels"]) == rows.shape[1]
    assert plan.reader.settings["channels"][-1] == "file_row"
    assert np.linalg.norm(rows[0, :3]) == pytest.approx(1, abs=1e-6)


def test_bad_files_are_left_out_with_a_sentence(tree: Path, tmp_path: Path) -> None:
    chair = tree / "chair"
    write(chair / "chair_0001.txt", cloud(1)[:, :3])
    write(chair / "chair_0002.txt", cloud(2)[: POINTS // 2])
    bad = cloud(3)
    bad[5, 1] = math.nan
    write(chair / "chair_0003.txt", bad)
    ragged = (chair / "chair_0004.txt").read_text().splitlines()
    ragged[6] = ragged[6].rpartition(",")[0]
    (chair / "chair_0004.txt").write_text("\n".join(ragged))
    (chair / "chair_0005.txt").write_text("<html>not found</html>")
    (chair / "chair_0006.txt").write_text("")
    store = prepare(plan_modelnet_txt(tree, points=POINTS), tmp_path / "store", workers=1)
    reasons = {entry["path"]: entry["reason"] for entry in store.info["skipped"]}
    assert list(reasons) == [f"chair/chair_000{number}.txt" for number in range(1, 7)]
    assert all(str(tree / path) in reason and "\n" not in reason for path, reason in reasons.items())
    expected = [
        "has 3 columns where 6 are expected; give --no_normals",
        f"there are {POINTS // 2} points where {POINTS} are asked for",
        "not finite",
        "line 7 has 5 cells where the rows above have 6",
        "is a web page",
        "holds no points",
    ]
    for words, reason in zip(expected, reasons.values(), strict=True):
        assert words in reason
    fewer = prepare(plan_modelnet_txt(tree, points=POINTS // 2, normals=False), tmp_path / "fewer", workers=1)
    assert len(fewer.info["skipped"]) == 3 + 1  # coordinates alone and a short file will do; NaN is among the first


def test_losses_are_counted(tree: Path) -> None:
    (tree / "chair" / "chair_0015.txt").unlink()
    write(tree / "chair" / "chair_0777.txt", cloud(0))
    shutil.rmtree(tree / "airplane")
    plan = plan_modelnet_txt(tree)
    assert len(plan.items) == 29
    assert plan.source["missing"] == 16
    assert "chair/chair_0015.txt" in plan.missing
    assert plan.source["unlisted_shapes"] == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("modelnet40_test.txt", "chair_0013\nchair_0001\n", "names chair_0001 again"),
        ("modelnet40_train.txt", "chair_0001\nspoon_0001\n", "'spoon_0001', which is not a shape of its 40 classes"),
        ("modelnet40_train.txt", "../../etc/passwd\n", "not a shape of its 40 classes"),
        ("modelnet40_train.txt", "\n", "is empty where the list of shapes for train is expected"),
        ("modelnet40_train.txt", "<!DOCTYPE html>", "web page"),
        ("modelnet40_test.txt", None, "modelnet40_test.txt does not exist"),
        ("modelnet40_shape_names.txt", None, "modelnet40_shape_names.txt does not exist"),
    ],
)
def test_wrong_lists(tree: Path, name: str, content: str | None, words: str) -> None:
    (tree / name).unlink()
    if content is not None:
        (tree / name).write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        plan_modelnet_txt(tree)
    assert "\n" not in str(caught.value)


def test_wrong_roots(tree: Path, tmp_path: Path) -> None:
    for wrong in (tree.parent, tree / "chair"):
        with pytest.raises(DataError, match=r"give --root .*modelnet40_normal_resampled$"):
            plan_modelnet_txt(wrong)
    with pytest.raises(UsageError, match="--points"):
        plan_modelnet_txt(tree, points=0)


def test_a_pickle_is_not_read(tree: Path) -> None:
    for label in LABELS:
        shutil.rmtree(tree / label)
    with pytest.raises(DataError, match="none of the 45 shapes"):
        plan_modelnet_txt(tree)
    (tree / "modelnet40_train_8192pts_fps.dat").write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match=r"fps\.dat, a pickle .*prepare it as modelnet-dat"):
        plan_modelnet_txt(tree)
