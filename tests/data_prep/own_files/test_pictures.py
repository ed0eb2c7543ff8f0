"""A user's own pictures: labels and splits from folders or a table; everything left out is counted and said."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from randquant.cli.command import run
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.examine.summary import summary
from randquant.data_prep.notes import plan_notes
from randquant.data_prep.own_files.pictures import plan_images
from randquant.errors import DataError, UsageError
from randquant.scripts.prepare import COMMANDS

DRAWS = np.random.default_rng(0)


def picture(path: Path, size: tuple[int, int] = (6, 8)) -> None:
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(DRAWS.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def tree(root: Path, *names: str) -> Path:
    for name in names:
        picture(root / name)
    return root


def placed(plan_root: Path, **options: Any) -> dict[str, tuple[str | None, str | None]]:
    """Label and split of each picture."""
    return {item.path: (item.label, item.split) for item in plan_images(plan_root, **options).items}


@pytest.mark.parametrize(
    "spelled", [("train", "valid", "test"), ("Training", "val", "testing"), ("TRAIN", "Validation", "Test")]
)
def test_folders_of_splits_in_any_spelling(tmp_path: Path, spelled: tuple[str, str, str]) -> None:
    tree(tmp_path, *(f"{part}/{label}/deep/1.png" for part in spelled for label in ("cat", "dog")))
    found = placed(tmp_path)
    assert {(path.split("/")[0], split) for path, (_, split) in found.items()} == {
        (part, split) for part, split in zip(spelled, ("train", "valid", "test"), strict=True)
    }
    assert {label for label, _ in found.values()} == {"cat", "dog"}


def test_classes_without_splits_are_split_by_hash(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{label}/{number}.png" for label in "ab" for number in range(10)))
    plan = plan_images(tmp_path)
    counts = {(item.label, item.split) for item in plan.items}
    assert counts == {(label, split) for label in "ab" for split in ("train", "valid", "test")}
    assert [item.split for item in plan.items].count("test") == 4
    assert [item.split for item in plan.items].count("valid") == 2
    assert any("no folder of test: 20 % of each class" in line for line in plan_notes(plan.source))
    assert {split for _, split in placed(tmp_path, test=0, validation=0).values()} == {"train"}


def test_valid_is_made_where_only_train_and_test_are_there(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{part}/{label}/{n}.png" for part in ("train", "test") for label in "ab" for n in range(4)))
    splits = [split for _, split in placed(tmp_path).values()]
    assert (splits.count("train"), splits.count("valid"), splits.count("test")) == (6, 2, 8)


def test_train_and_val_alone_say_that_nothing_is_test(tmp_path: Path) -> None:
    plan = plan_images(tree(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/2.png"))
    assert any("no folder of test, so nothing can be scored" in line for line in plan_notes(plan.source))


@pytest.mark.parametrize("names", [("a/1.png", "a/2.png", "b/3.png"), ("train/a/1.png", "test/a/2.png")])
def test_a_lone_folder_around_them_is_entered(tmp_path: Path, names: tuple[str, ...]) -> None:
    plan = plan_images(tree(tmp_path / "up" / "dataset", *names).parent)
    assert plan.root == tmp_path / "up" / "dataset"
    assert {item.label for item in plan.items} == {name.split("/")[-2] for name in names}


def test_unlabelled_pictures(tmp_path: Path) -> None:
    tree(tmp_path, "train/a/1.png", "b/c/2.jpg", "3.webp")
    assert set(placed(tmp_path, unlabelled=True).values()) == {(None, None)}
    flat = plan_images(tree(tmp_path / "flat", "1.png", "2.png"))
    assert {(item.label, item.split) for item in flat.items} == {(None, None)}
    assert any("nothing is labelled" in line for line in plan_notes(flat.source))


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    tree(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/2.png", "train/loose.png", "extra/x/1.png")
    for name in (".DS_Store", "train/a/._1.png", "train/a/Thumbs.db", "notes.txt", "__MACOSX/a/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"litter")
    told = "\n".join(plan_notes(plan_images(tmp_path).source))
    assert "left out: 4" in told
    assert "files of other kinds, left out: 1 (1 .txt)" in told
    assert "folders beside train and test, left out: extra" in told
    assert re.search(r"outside the folders of classes, left out: 1$", told, re.MULTILINE)


def test_lone_folders_around_the_classes_are_entered(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "top" / "inner" / name / "1.png")
    plan = plan_images(tmp_path)
    assert (plan.root, {item.label for item in plan.items}) == (tmp_path / "top" / "inner", {"a", "b"})


def test_one_class_and_unknown_classes_are_said(tmp_path: Path) -> None:
    one = plan_images(tree(tmp_path / "one", "cat/1.png", "cat/2.png"))
    assert any("one class only (cat)" in line for line in plan_notes(one.source))
    other = plan_images(tree(tmp_path / "other", "train/a/1.png", "test/b/1.png"))
    assert any("never occur in train, so cannot be learnt: 1 (b)" in line for line in plan_notes(other.source))


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="val and valid, both of which are valid"):
        plan_images(tree(tmp_path, "train/a/1.png", "val/a/1.png", "valid/a/1.png"))


def test_nothing_and_contradictions(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no picture")
    with pytest.raises(DataError, match="holds no pictures among its 1 files"):
        plan_images(tmp_path)
    with pytest.raises(UsageError, match="give one of them"):
        plan_images(tmp_path, csv=tmp_path / "a.txt", unlabelled=True)
    with pytest.raises(UsageError, match="--test should be"):
        plan_images(tmp_path, test=1)


def test_a_table_names_labels(tmp_path: Path) -> None:
    tree(tmp_path, "1.png", "2.png")
    table = tmp_path / "task.csv"
    table.write_text("path,label,group,split\n1.png,a,g,train\n2.png,a,h,test\n")
    assert placed(tmp_path, csv=table) == {"1.png": ("a", "train"), "2.png": ("a", "test")}


def test_a_zip_is_prepared_and_damage_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path / "in", "pets/cat/1.png", "pets/cat/2.jpg", "pets/dog/3.png", "pets/dog/4.png")
    picture(root / "pets" / "dog" / "5.png", (30, 20))
    (root / "pets" / "dog" / "empty.jpg").write_bytes(b"")
    cut = (root / "pets" / "cat" / "2.jpg").read_bytes()[:-30]
    (root / "pets" / "cat" / "cut.jpg").write_bytes(cut)
    (root / "pets" / "cat" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    archive, out = tmp_path / "pets.zip", tmp_path / "store"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*.*")):
            file.write(path, path.relative_to(root))
    argv = ["images", "--root", str(archive), "--out", str(out), "--workers", "1"]
    assert run(COMMANDS, argv, description="") == 0
    told = capsys.readouterr().out
    assert "5 pictures of mixed sizes, 8 x 6 to 20 x 30 pixels (5 raw), 3 skipped" in told
    assert "is empty (0 bytes)" in told
    assert "pillow-heif" in told
    assert "truncated" in told
    assert run(COMMANDS, argv, description="") == 0
    assert "complete already" in capsys.readouterr().out


def test_what_was_changed_is_said(tmp_path: Path) -> None:
    transparent = np.zeros((5, 5, 4), dtype=np.uint8)
    tree(tmp_path, "b.png")
    Image.fromarray(transparent).save(tmp_path / "a.png")
    store = prepare(plan_images(tmp_path), tmp_path / "store")
    assert "1 picture: transparent parts, laid over white" in summary(store)
