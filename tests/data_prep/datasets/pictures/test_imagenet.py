"""ImageNet: folders, Kaggle's tree and the archives; flat validation pictures find their classes or say what to do."""

import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from randquant.data_prep.datasets.pictures.imagenet import DATASET, plan_imagenet
from randquant.data_prep.datasets.pictures.imagenet_labels import DEVKIT, META
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.examine.report import report
from randquant.data_prep.examine.summary import summary
from randquant.data_prep.fetching.archives import unpacked_root
from randquant.data_prep.synthetic.pictures.imagenet import WORDNET, write_imagenet
from randquant.errors import DataError


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_imagenet(tmp_path_factory.mktemp("flat"), train=24, val=8)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The class of each validation picture, from folders of classes."""
    root = write_imagenet(tmp_path_factory.mktemp("folders"), train=24, val=8, flat=False)
    return held_out(plan_imagenet(root))


def held_out(plan: Plan) -> dict[str, str]:
    return {Path(item.path).name: str(item.label) for item in plan.items if item.split == "test"}


def test_the_devkit_names_flat_pictures(flat: Path, truth: dict[str, str]) -> None:
    plan = plan_imagenet(flat)
    assert held_out(plan) == truth
    counts = [[item.split for item in plan.items].count(split) for split in ("train", "valid", "test")]
    assert counts == [16, 8, 8]
    assert {item.label for item in plan.items} == set(WORDNET)


def test_kaggle_and_own_tables(flat: Path, truth: dict[str, str], tmp_path: Path) -> None:
    data = tmp_path / "ILSVRC" / "Data" / "CLS-LOC"
    shutil.copytree(flat / "train", data / "train")
    shutil.copytree(flat / "val", data / "val")
    rows = [f"{Path(name).stem},{label} 1 2 3 4" for name, label in truth.items()]
    (tmp_path / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]))
    assert held_out(plan_imagenet(tmp_path)) == held_out(plan_imagenet(data)) == truth
    own = tmp_path / "own.csv"
    own.write_text("\n".join(["path,label", *(f"val/{name},{label}" for name, label in truth.items())]))
    assert held_out(plan_imagenet(flat, val_labels=own)) == truth


def without(root: Path, to: Path, *names: str) -> Path:
    """A copy that lacks some files or folders."""
    return Path(shutil.copytree(root, to, ignore=lambda _, found: [name for name in found if name in names]))


def test_nothing_that_names_classes_is_refused_with_the_remedy(flat: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="put ILSVRC2012_devkit_t12 or LOC_val_solution"):
        plan_imagenet(without(flat, tmp_path / "none", DEVKIT))
    with pytest.raises(DataError, match=r"meta\.mat is missing"):
        plan_imagenet(without(flat, tmp_path / "part", META))
    broken = without(flat, tmp_path / "broken")
    (broken / DEVKIT / "data" / META).write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(DataError, match="not the devkit's table of classes"):
        plan_imagenet(broken)
    fewer = without(flat, tmp_path / "fewer", "ILSVRC2012_val_00000003.JPEG")
    with pytest.raises(DataError, match="8 lines and there are 7 validation pictures"):
        plan_imagenet(fewer)


def pack(archive: Path, paths: Sequence[Path], top: Path) -> None:
    with tarfile.open(archive, "w") as file:
        for path in paths:
            file.add(path, path.relative_to(top))


def test_archives_as_downloaded(flat: Path, truth: dict[str, str], tmp_path: Path) -> None:
    root, inner = tmp_path / "downloads", tmp_path / "inner"
    root.mkdir()
    inner.mkdir()
    for folder in sorted((flat / "train").iterdir()):
        pack(inner / f"{folder.name}.tar", sorted(folder.iterdir()), folder)
    with pytest.raises(DataError, match="not the root of ImageNet"):
        plan_imagenet(inner)
    pack(root / "ILSVRC2012_img_train.tar", sorted(inner.iterdir()), inner)
    pack(root / "ILSVRC2012_img_val.tar", sorted((flat / "val").iterdir()), flat / "val")
    pack(root / "ILSVRC2012_devkit_t12.tar.gz", [flat / DEVKIT], flat)
    found = unpacked_root(root, DATASET, tmp_path / "unpacked")
    plan = plan_imagenet(unpacked_root(root, DATASET, tmp_path / "unpacked"))
    assert [item.path for item in plan.items] == [item.path for item in plan_imagenet(flat).items]
    assert held_out(plan) == truth
    assert not list((found / "train").glob("*.tar"))
    inner.rename(found / "train" / "n00000000")
    shutil.move(found / "train" / "n00000000" / "n01440764.tar", found / "train")
    with pytest.raises(DataError, match="is still packed"):
        plan_imagenet(found)


def test_the_doctor_decodes_counts_and_finds_copies(flat: Path, tmp_path: Path) -> None:
    root = without(flat, tmp_path / "copy")
    shutil.copy(root / "val" / "ILSVRC2012_val_00000002.JPEG", root / "train" / WORDNET[0] / "again.JPEG")
    cut = root / "train" / WORDNET[0] / f"{WORDNET[0]}_1.JPEG"
    cut.write_bytes(cut.read_bytes()[:-99])
    assert not examine(DATASET, plan_imagenet(root, validation=0)).unreadable
    found = examine(DATASET, plan_imagenet(root, validation=0), decode=True)
    assert [Path(name).name for name in found.unreadable] == [cut.name]
    assert found.leaked == [("val/ILSVRC2012_val_00000002.JPEG", f"train/{WORDNET[0]}/again.JPEG")]
    told = "\n".join(report(found))
    assert "there twice: 1, 1 of them across splits" in told
    assert "cmyk pictures: " in told


def test_a_store_says_what_was_changed(flat: Path, tmp_path: Path) -> None:
    store = prepare(plan_imagenet(flat), tmp_path / "store")
    told = "\n".join(summary(store))
    assert "32 of 1,331,167 published pictures, 8 of 1,000 classes" in told
    assert "turned upright as EXIF tells" in told
    assert "CMYK, converted to RGB" in told
    assert not store.info["skipped"]
