"""CIFAR's two versions give the same store; pickles run nothing; damage is one sentence."""

import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.datasets.pictures.cifar import CIFAR10, plan_cifar10, plan_cifar100
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.fetching.archives import unpacked_root
from randquant.data_prep.synthetic.pictures.cifar import COARSE_NAMES, FINE_NAMES, write_cifar10, write_cifar100
from randquant.errors import DataError
from randquant.images.stored_images import StoredImages
from randquant.weights.safe_pickle import read_pickle


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("cifar")
    sizes: dict[str, Any] = {"train": 100, "test": 20}
    return {
        "10": write_cifar10(root / "10", **sizes),
        "10-binary": write_cifar10(root / "10b", binary=True, **sizes),
        "100": write_cifar100(root / "100", **sizes),
        "100-binary": write_cifar100(root / "100b", binary=True, **sizes),
    }


def test_both_versions_hold_the_same(originals: dict[str, Path], tmp_path: Path) -> None:
    made = [StoredImages(prepare(plan_cifar10(originals[name]), tmp_path / name)) for name in ("10", "10-binary")]
    pickled, binary = made
    for column in ("label", "split"):
        assert pickled.store.column(column) == binary.store.column(column)
    assert all(np.array_equal(pickled.picture(item), binary.picture(item)) for item in range(len(pickled)))
    assert pickled.size == (32, 32)
    assert pickled.store.column("picture")[0].endswith("_s_000000.png")
    splits = pickled.store.column("split")
    assert [splits.count(split) for split in ("train", "valid", "test")] == [90, 10, 20]


def test_planes_become_pixels(originals: dict[str, Path], tmp_path: Path) -> None:
    pictures = StoredImages(prepare(plan_cifar10(originals["10"]), tmp_path / "store"))
    row = read_pickle(originals["10"] / "data_batch_1")["data"][3]
    picture = pictures.picture(3)
    for y, x, channel in ((0, 0, 0), (5, 31, 1), (31, 2, 2)):
        assert picture[y, x, channel] == row[channel * 1024 + y * 32 + x]


@pytest.mark.parametrize("version", ["100", "100-binary"])
def test_fine_and_coarse_labels(originals: dict[str, Path], version: str) -> None:
    fine = plan_cifar100(originals[version], validation=0)
    coarse = plan_cifar100(originals[version], labels="coarse", validation=0)
    assert {item.label for item in fine.items} == set(FINE_NAMES)
    assert {item.label for item in coarse.items} == set(COARSE_NAMES)
    assert coarse.source["classes_published"] == 20
    grouped = {(one.label, other.label) for one, other in zip(fine.items, coarse.items, strict=True)}
    assert len(grouped) == 100
    assert fine.fingerprint() != coarse.fingerprint()


def test_the_archive_is_unpacked_and_the_doctor_knows_the_numbers(originals: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(originals["10"], originals["10"].name)
    root = unpacked_root(tmp_path, CIFAR10, tmp_path / "unpacked")
    found = examine(CIFAR10, plan_cifar10(root, validation=0))
    assert found.state == "partial"
    assert found.sentence == "partial: 120 of 60,000 pictures can be used"


class Evil:
    """Asks the reader to run something."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


def damaged(root: Path, how: str) -> None:
    """Damage the first batch in one way."""
    path = root / "data_batch_1"
    content = read_pickle(path)
    if how == "evil":
        path.write_bytes(pickle.dumps(Evil()))
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-500])
    elif how == "label":
        path.write_bytes(pickle.dumps({**content, "labels": [10, *content["labels"][1:]]}))
    elif how == "count":
        path.write_bytes(pickle.dumps({**content, "labels": content["labels"][1:]}))
    elif how == "empty":
        path.write_bytes(pickle.dumps([]))


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("evil", "asks for"),
        ("cut", "not a whole pickle"),
        ("label", "has the label 10"),
        ("count", "another number of labels"),
        ("empty", "no array data"),
    ],
)
def test_damage_is_one_sentence(originals: dict[str, Path], tmp_path: Path, how: str, told: str) -> None:
    root = Path(shutil.copytree(originals["10"], tmp_path / "cifar"))
    damaged(root, how)
    with pytest.raises(DataError, match=told) as caught:
        plan_cifar10(root)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_counted(originals: dict[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(originals["10-binary"], tmp_path / "cifar"))
    (root / "data_batch_4.bin").unlink()
    plan = plan_cifar10(root)
    assert plan.missing == ["data_batch_4"]
    (root / "data_batch_5.bin").write_bytes(bytes(3072))
    with pytest.raises(DataError, match="not a number of pictures"):
        plan_cifar10(root)


def test_keys_as_bytes_are_read(originals: dict[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(originals["10"], tmp_path / "cifar"))
    content = read_pickle(root / "test_batch")
    (root / "test_batch").write_bytes(pickle.dumps({name.encode(): value for name, value in content.items()}))
    assert len(plan_cifar10(root).items) == 120
