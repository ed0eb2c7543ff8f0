"""ShapeNetPart: categories and splits from its lists, and the part of every point beside it in the store."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.datasets.shapenetpart import PARTS, plan_shapenetpart
from randquant.data_prep.engine.preparation import prepare
from randquant.errors import DataError

SYNSETS = {"Airplane": "02691156", "Mug": "03797390"}
LISTS = {"train": 4, "val": 2, "test": 3}  # shapes of each category


def write(path: Path, category: str, points: int) -> None:
    generator = np.random.default_rng(points)
    table = generator.normal(size=(points, 7))
    table[:, 6] = generator.choice(PARTS[category], points)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, table, fmt=["%.6f"] * 6 + ["%.6f"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data" / "shapenetcore_partanno"
    (root / "train_test_split").mkdir(parents=True)
    points = 30
    for part, count in LISTS.items():
        names = []
        for category, synset in SYNSETS.items():
            for number in range(count):
                points += 1
                write(root / synset / f"{part}{number}.txt", category, points)
                names.append(f"shape_data/{synset}/{part}{number}")
        (root / "train_test_split" / f"shuffled_{part}_file_list.json").write_text(json.dumps(names[::-1]))
    (root / "synsetoffset2category.txt").write_text("Airplane\t02691156\nMug\t03797390\n")
    return root


def test_lists(tree: Path) -> None:
    plan = plan_shapenetpart(tree)
    assert Counter(item.split for item in plan.items) == {"train": 8, "valid": 4, "test": 6}
    first = plan.items[0]
    assert (first.path, first.label, first.group) == ("02691156/train0.txt", "Airplane", "train0")
    assert plan.source["published"] == {}
    assert plan.source["parts"] == {"Airplane": [0, 1, 2, 3], "Mug": [36, 37]}


@pytest.mark.parametrize("normals", [True, False])
def test_parts_stay_with_their_points(tree: Path, tmp_path: Path, normals: bool) -> None:
    store = prepare(plan_shapenetpart(tree, normals=normals), tmp_path / "store", strict=True)
    assert store.info["channels"] == ["x", "y", "z", *(["nx", "ny", "nz"] if normals else []), "part"]
    assert store.info["points"] is None
    for index in (0, 13):
        file = np.loadtxt(tree / store.column("path")[index])
        upright = file[:, [0, 2, 1]] * [1, -1, 1]
        centred = upright - upright.mean(axis=0)
        place = centred / np.linalg.norm(centred, axis=1).max()
        rows = store.rows(index)
        nearest = np.linalg.norm(rows[:, None, :3] - place, axis=-1).argmin(axis=1)
        assert sorted(nearest.tolist()) == list(range(len(file)))
        assert np.allclose(rows[:, :3], place[nearest], atol=1e-5)
        assert rows[:, -1].tolist() == file[nearest, 6].tolist()
        if normals:
            assert np.allclose(rows[:, 3:6], file[nearest][:, [3, 5, 4]] * [1, -1, 1], atol=1e-5)


def test_a_number_of_points(tree: Path, tmp_path: Path) -> None:
    store = prepare(plan_shapenetpart(tree, points=40), tmp_path / "store", workers=1)
    whole = prepare(plan_shapenetpart(tree), tmp_path / "whole", workers=1)
    assert store.lengths.tolist() == [min(40, length) for length in whole.lengths.tolist()]
    assert store.column("short_clouds").count(1) == 9


def test_bad_files_are_left_out(tree: Path, tmp_path: Path) -> None:
    for name, content in {
        "train0": "1 2 3 4 5 6\n",
        "train1": "1 2 3 4 5 6 50\n7 8 9 1 2 3 0\n",
        "train2": "1 2 3 4 5 6 1.5\n",
        "train3": "1 2 nan 4 5 6 1\n7 8 9 1 2 3 0\n",
    }.items():
        (tree / "02691156" / f"{name}.txt").write_text(content)
    store = prepare(plan_shapenetpart(tree), tmp_path / "store", workers=1)
    reasons = [entry["reason"] for entry in store.info["skipped"]]
    expected = ["6 columns where 7", "point 1 is of part 50 where 0 to 49", "is of part 1.5", "not finite"]
    for words, reason in zip(expected, reasons, strict=True):
        assert words in reason


def test_losses_are_counted(tree: Path) -> None:
    (tree / "02691156" / "train0.txt").unlink()
    write(tree / "03797390" / "new.txt", "Mug", 31)
    plan = plan_shapenetpart(tree)
    assert plan.missing == ["02691156/train0.txt"]
    assert plan.source["unlisted_shapes"] == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train_test_split/shuffled_val_file_list.json", ["shape_data/02691156/train0"], "again"),
        ("train_test_split/shuffled_val_file_list.json", ["02691156/x"], "'02691156/x' where shape_data"),
        ("train_test_split/shuffled_val_file_list.json", ["shape_data/00000000/x"], "is expected; restore it"),
        ("train_test_split/shuffled_val_file_list.json", ["shape_data/02691156/../x"], "is expected"),
        ("train_test_split/shuffled_val_file_list.json", {"a": 1}, "should be a list of names"),
        ("train_test_split/shuffled_test_file_list.json", None, "does not exist, but a list of shapes"),
        ("synsetoffset2category.txt", "Airplane\n", "line 1 reads 'Airplane'"),
        ("synsetoffset2category.txt", "", "is empty"),
    ],
)
def test_wrong_lists(tree: Path, name: str, content: Any, words: str) -> None:
    (tree / name).unlink()
    if content is not None:
        (tree / name).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError, match=words) as caught:
        plan_shapenetpart(tree)
    assert "\n" not in str(caught.value)


def test_known_parts() -> None:
    assert len(PARTS) == 16
    assert sorted(part for parts in PARTS.values() for part in parts) == list(range(50))


def test_wrong_roots(tree: Path) -> None:
    for wrong in (tree.parent, tree / "02691156"):
        with pytest.raises(DataError, match=r"give --root .*shapenetcore_partanno$"):
            plan_shapenetpart(wrong)


def test_parts_of_another_category(tree: Path, tmp_path: Path) -> None:
    """The list of categories and the numbers of the parts contradict each other."""
    (tree / "synsetoffset2category.txt").write_text("Mug\t02691156\nAirplane\t03797390\n")
    with pytest.raises(DataError, match="which is none of the category that synsetoffset2category"):
        prepare(plan_shapenetpart(tree), tmp_path / "store", strict=True)
