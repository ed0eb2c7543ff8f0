"""STL-10: columns become rows, what has no label is in no split, and the official folds are kept."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.datasets.pictures.stl10 import DATASET, plan_stl10
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.examine.summary import summary
from randquant.data_prep.synthetic.pictures.stl10 import write_stl10
from randquant.errors import DataError, UsageError
from randquant.images.stored_images import StoredImages


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stl10(tmp_path_factory.mktemp("stl10"), train=20, test=10, unlabelled=12)


def test_pixels_labels_and_folds(root: Path, tmp_path: Path) -> None:
    pictures = StoredImages(prepare(plan_stl10(root), tmp_path / "store"))
    data = np.fromfile(root / "train_X.bin", np.uint8)
    picture = pictures.picture(7)
    for y, x, channel in ((0, 0, 0), (3, 90, 1), (95, 1, 2)):
        assert picture[y, x, channel] == data[7 * 27648 + channel * 9216 + x * 96 + y]
    labels, splits = pictures.store.column("label"), pictures.store.column("split")
    assert (labels.count(None), splits.count(None)) == (12, 12)
    assert [splits.count(split) for split in ("train", "valid", "test")] == [10, 10, 10]
    lines = (root / "fold_indices.txt").read_text().splitlines()
    expected = [" ".join(str(n) for n, line in enumerate(lines, 1) if str(row) in line.split()) for row in range(20)]
    assert [held or "" for held in pictures.store.column("folds")[:20]] == expected
    assert any("unused 12 of 100,000" in line for line in summary(pictures.store))


def test_made_up_folds_hold_every_class_alike(root: Path) -> None:
    labels = np.fromfile(root / "train_y.bin", np.uint8)
    for line in (root / "fold_indices.txt").read_text().splitlines():
        assert sorted(labels[[int(row) for row in line.split()]]) == [*range(1, 11)]


def test_a_fold_is_all_of_train(root: Path) -> None:
    plan = plan_stl10(root, fold=3, validation=0)
    chosen = [int(word) for word in (root / "fold_indices.txt").read_text().splitlines()[2].split()]
    assert [item.window[0] for item in plan.items if item.split == "train" and item.window] == chosen
    assert plan.source["published"] == {"train": 1_000, "test": 8_000, "unused": 104_000}
    with pytest.raises(UsageError, match="1 to 10"):
        plan_stl10(root, fold=11)


def test_the_doctor_counts_what_is_unused(root: Path) -> None:
    found = examine(DATASET, plan_stl10(root, validation=0))
    assert found.found == {"train": 20, "test": 10, "unused": 12}
    assert found.sentence == "partial: 42 of 113,000 pictures can be used"


def test_damage_is_one_sentence(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    (copy / "train_y.bin").write_bytes(bytes(20))
    with pytest.raises(DataError, match="20 labels from 1 to 10"):
        plan_stl10(copy)
    (copy / "unlabeled_X.bin").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"not a number of pictures|labels"):
        plan_stl10(copy)
    shutil.copy(root / "train_y.bin", copy / "train_y.bin")
    (copy / "unlabeled_X.bin").unlink()
    assert plan_stl10(copy).missing == ["unlabeled_X.bin"]
    (copy / "fold_indices.txt").write_text("none\n")
    with pytest.raises(DataError, match="10 lines of numbers"):
        plan_stl10(copy, fold=1)
