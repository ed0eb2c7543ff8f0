"""A root one level off is named; anything else is shown the tree."""

from pathlib import Path

import pytest

from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.layout import find_root, holds_tree, locate
from randquant.errors import DataError

US8K = DATASETS["us8k"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "above" / "UrbanSound8K" / "audio" / "fold1").mkdir(parents=True)
    (tmp_path / "above" / "other").mkdir()
    return tmp_path / "above" / "UrbanSound8K"


def test_the_root_itself(tree: Path) -> None:
    assert find_root(tree, US8K) == tree
    assert find_root(str(tree), US8K) == tree
    assert locate(tree, US8K) == locate(tree.parent, US8K) == tree
    assert holds_tree(tree, US8K)
    assert holds_tree(tree.parent, US8K)


@pytest.mark.parametrize("place", ["..", "audio"])
def test_one_level_off(tree: Path, place: str) -> None:
    with pytest.raises(DataError, match=f"is not the root of UrbanSound8K.*; give --root {tree.resolve()}$"):
        find_root((tree / place).resolve(), US8K)


@pytest.mark.parametrize("place", ["../..", "audio/fold1"])
def test_two_levels_off(tree: Path, place: str) -> None:
    with pytest.raises(DataError, match=f"; give --root {tree.resolve()}$"):
        find_root((tree / place).resolve(), US8K)


def test_relative(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "audio")
    with pytest.raises(DataError, match=f"give --root {tree}$"):
        find_root(".", US8K)


def test_elsewhere(tree: Path) -> None:
    with pytest.raises(DataError, match=r"metadata/UrbanSound8K\.csv.*looks like this.*audio/fold10") as caught:
        find_root(tree.parent / "other", US8K)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="does not exist"):
        find_root(tree / "absent", US8K)
    (tree / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        find_root(tree / "file", US8K)
    assert not holds_tree(tree / "file", US8K)
    assert not holds_tree(tree / "audio" / "fold1", US8K)


def test_a_list_alone_is_no_tree(tmp_path: Path) -> None:
    (tmp_path / "voxforge_urls.txt").write_text("x")
    assert not holds_tree(tmp_path, DATASETS["voxforge"])
    (tmp_path / "somebody-20100101-abc" / "wav").mkdir(parents=True)
    assert holds_tree(tmp_path, DATASETS["voxforge"])


@pytest.mark.parametrize("name", DATASETS)
def test_what_is_known_of_each(name: str) -> None:
    dataset = DATASETS[name]
    assert dataset.name == name
    assert dataset.title
    assert dataset.licence
    assert dataset.source
    assert dataset.marks
    assert dataset.downloads or dataset.by_hand
    assert len(dataset.tree.splitlines()) >= (1 if dataset.kind == "tables" else 3)  # a table is one file
    for file in dataset.downloads:
        assert file.sha256 is None or len(file.sha256) == 64
        assert file.md5 is None or len(file.md5) == 32
        assert file.sha256 or file.url.rpartition("/")[2].partition("?")[0] == file.name


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the root of") as caught:
        DATASETS[name].plan(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="does not exist"):
        DATASETS[name].plan(tmp_path / "absent")


def test_published_sums() -> None:
    items = {name: dataset.items for name, dataset in DATASETS.items()}
    assert sum(items["nsynth"].values()) == 305_979
    assert sum(items["voxceleb1"].values()) == 153_516
    assert sum(items["spcv2"].values()) == 105_829
    assert sum(items["spcv2-12"].values()) == 100_503
    assert items["modelnet"] == items["modelnet-txt"] == {"train": 9_843, "test": 2_468}
    assert items["cifar10"] == items["cifar100"] == {"train": 50_000, "test": 10_000}
    assert sum(items["stl10"].values()) == 113_000
    assert sum(items["imagenet"].values()) == 1_331_167
    assert items["modelnet-h5"] == {"train": 9_840, "test": 2_468}
    classes = {name: dataset.classes for name, dataset in DATASETS.items() if dataset.classes}
    expected = {"nsynth": 11, "us8k": 10, "voxceleb1": 1251, "voxforge": 6, "spcv2": 35, "spcv2-12": 12}
    expected |= {
        "modelnet": 40,
        "modelnet-txt": 40,
        "modelnet-h5": 40,
        "modelnet-dat": 40,
        "scanobjectnn": 15,
        "shapenetpart": 16,
        "cifar10": 10,
        "cifar100": 100,
        "stl10": 10,
        "imagenet": 1_000,
        "covtype": 7,
        "higgs": 2,
    }
    assert classes == expected


def test_describe(tmp_path: Path) -> None:
    source = US8K.describe(tmp_path, [], "nothing", missing=[str(number) for number in range(50)])
    assert source["found"] == {"all": 0}
    assert source["missing"] == 50
    assert len(source["missing_first"]) == 20
