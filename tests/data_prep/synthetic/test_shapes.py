"""The synthetic shapes have the form of the real datasets, and carry the label."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from randquant.data_prep.datasets.modelnet import MODELNET40
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.datasets.scanobjectnn import VARIANTS
from randquant.data_prep.datasets.shapenetpart import PARTS
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import read_item
from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.data_prep.synthetic.shapes.clouds import draw_cloud
from randquant.data_prep.synthetic.shapes.modelnet import write_modelnet, write_modelnet_h5, write_modelnet_txt
from randquant.data_prep.synthetic.shapes.off import STYLES, write_off
from randquant.data_prep.synthetic.shapes.scanobjectnn import FAMILY, write_scanobjectnn
from randquant.data_prep.synthetic.shapes.shapenet import write_shapenet55, write_shapenetpart
from randquant.data_prep.synthetic.solids.families import FAMILIES, draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import joined
from randquant.errors import DataError

SMALLEST: dict[str, dict[str, Any]] = {
    "modelnet": {"train": 2, "test": 1},
    "modelnet_txt": {"train": 2, "test": 1, "points": 64},
    "modelnet_h5": {"train": 2, "test": 1, "points": 64},
    "scanobjectnn": {"train": 2, "test": 1, "points": 64},
    "shapenetpart": {"train": 2, "valid": 1, "test": 1, "points": 80},
    "shapenet55": {"train": 2, "test": 1, "points": 64},
}
WRITERS: dict[str, Callable[..., Path]] = {
    "modelnet": write_modelnet,
    "modelnet_txt": write_modelnet_txt,
    "modelnet_h5": write_modelnet_h5,
    "scanobjectnn": write_scanobjectnn,
    "shapenetpart": write_shapenetpart,
    "shapenet55": write_shapenet55,
}
DATASET = {name: name.replace("_", "-") for name in SMALLEST} | {"shapenet55": "shapenet"}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What is to be given as --root."""
    base = tmp_path_factory.mktemp("shapes")
    return {name: write(base / name, **SMALLEST[name]) for name, write in WRITERS.items()}


def plan(name: str, roots: dict[str, Path]) -> Plan:
    return DATASETS[DATASET[name]].plan(roots[name], points=48)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", WRITERS)
def test_seed_decides_everything(name: str, roots: dict[str, Path], tmp_path: Path) -> None:
    again = WRITERS[name](tmp_path / "again", **SMALLEST[name])
    assert contents(again) == contents(roots[name])
    other = WRITERS[name](tmp_path / "other", **SMALLEST[name], seed=1)
    assert contents(other) != contents(roots[name])


@pytest.mark.parametrize("name", WRITERS)
def test_repeating_changes_nothing_and_another_set_is_refused(name: str, roots: dict[str, Path]) -> None:
    base = roots[name] if (roots[name] / "synthetic.json").exists() else roots[name].parent
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*")}
    WRITERS[name](base, **SMALLEST[name])
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*")} == before
    with pytest.raises(DataError, match="already holds another"):
        WRITERS[name](base, **SMALLEST[name], seed=1)


@pytest.mark.parametrize("name", WRITERS)
def test_bad_numbers(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WRITERS[name](tmp_path, **{**SMALLEST[name], "train": 0})


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("modelnet", {"train": 15, "valid": 15, "test": 15}),
        ("modelnet_txt", {"train": 15, "valid": 15, "test": 15}),
        ("modelnet_h5", {"train": 15, "valid": 15, "test": 15}),
        ("scanobjectnn", {"train": 24, "valid": 8, "test": 16}),
        ("shapenetpart", {"train": 12, "valid": 6, "test": 6}),
        ("shapenet55", {"train": 22, "test": 11}),
    ],
)
def test_plans_take_all_of_it_and_can_read_it(name: str, counts: dict[str, int], roots: dict[str, Path]) -> None:
    made = plan(name, roots)
    assert Counter(item.split for item in made.items) == counts
    assert not made.missing
    assert not any(made.source.get(key) for key in ("unlisted_shapes", "other_folders", "missing"))
    assert {item.label for item in made.items if item.split == "test"} == {item.label for item in made.items}
    for item in made.items:
        _, blocks = read_item(made.root, item, made.reader)
        rows = np.concatenate(list(blocks))
        assert rows.shape == (48, len(made.reader.settings["channels"]))
        assert np.isfinite(rows).all()


def test_a_name_stands_for_the_same_shape_in_every_release(roots: dict[str, Path]) -> None:
    """The heights above the floor of a mesh and of its clouds, in units of the shape's own height."""
    mesh = read_mesh(roots["modelnet"] / "night_stand/test/night_stand_0003.off")
    text = np.loadtxt(roots["modelnet_txt"] / "night_stand/night_stand_0003.txt", delimiter=",")
    names = json.loads((roots["modelnet_h5"] / "ply_data_test_0_id2file.json").read_text())
    with h5py.File(roots["modelnet_h5"] / "ply_data_test0.h5") as file:
        row = names.index("night_stand/night_stand_0003.ply")
        array = file["data"][row]
        assert MODELNET40[file["label"][row, 0]] == "night_stand"
    spans = [np.ptp(mesh.vertices, axis=0)[[0, 2, 1]], np.ptp(text[:, :3], axis=0), np.ptp(array, axis=0)]
    shares = [np.array([span[1], max(span[0], span[2])]) / np.linalg.norm(span) for span in spans]
    np.testing.assert_allclose(shares[1], shares[0], atol=0.1)
    np.testing.assert_allclose(shares[2], shares[1], atol=0.05)


# The trees


def test_modelnet_tree(roots: dict[str, Path]) -> None:
    root = roots["modelnet"]
    assert root.name == "ModelNet40"
    assert {path.name for path in root.iterdir() if path.is_dir()} == set(FAMILIES)
    names = [path.relative_to(root).as_posix() for path in root.rglob("[a-z]*.off")]
    assert len(names) == 45
    for name in names:
        found = re.fullmatch(r"(\w+)/(train|test)/(\w+)_(\d{4})\.off", name)
        assert found
        assert found[1] == found[3]
        assert (found[2] == "test") == (found[4] == "0003")
    assert next(root.rglob(".DS_Store"))
    starts = {path.read_bytes()[:3] + path.read_bytes()[3:4] for path in root.rglob("[a-z]*.off")}
    assert len(starts) > 2, "some have counts or a comment right after the word OFF"


def test_modelnet_txt_lists(roots: dict[str, Path]) -> None:
    root = roots["modelnet_txt"]
    assert (root / "modelnet40_shape_names.txt").read_text().split() == list(MODELNET40)
    assert len((root / "modelnet40_train.txt").read_text().split()) == 30
    assert (root / "modelnet10_test.txt").read_text().split() == [
        f"{name}_0003" for name in ("bed", "chair", "night_stand", "table")
    ]
    points = np.loadtxt(root / "chair" / "chair_0001.txt", delimiter=",")
    assert points.shape == (64, 6)
    np.testing.assert_allclose(np.linalg.norm(points[:, 3:], axis=1), 1, atol=1e-4)
    assert np.linalg.norm(points[:, :3], axis=1).max() == pytest.approx(1, abs=1e-4)
    ten = DATASETS["modelnet-txt"].plan(root, classes=10, points=48)
    assert {item.label for item in ten.items} == {"bed", "chair", "night_stand", "table"}


def test_modelnet_h5_arrays(roots: dict[str, Path]) -> None:
    root = roots["modelnet_h5"]
    lines = (root / "train_files.txt").read_text().split()
    assert lines == [f"data/modelnet40_ply_hdf5_2048/ply_data_train{n}.h5" for n in range(2)]
    labels = []
    for path in sorted(root.glob("*.h5")):
        with h5py.File(path) as file:
            shapes = len(file["data"])
            assert file["data"].shape == file["normal"].shape == (shapes, 64, 3)
            assert file["label"].shape == (shapes, 1)
            assert file["label"].dtype == np.uint8
            labels.append(file["label"][:, 0].tolist())
    assert any(numbers != sorted(numbers) for numbers in labels), "the classes are mixed"


def test_scanobjectnn_variants(roots: dict[str, Path]) -> None:
    for variant, (folder, ending) in VARIANTS.items():
        with h5py.File(roots["scanobjectnn"] / "h5_files" / folder / f"training_objectdataset{ending}.h5") as file:
            copies = 2 if variant == "pb_t50_rs" else 1
            assert file["data"].shape == (2 * len(FAMILY) * copies, 64, 3)
            assert file["label"].shape == (len(file["data"]),)
            background = (file["mask"][()] == -1).mean()
        assert (background == 0) == (variant == "obj_only")
        made = DATASETS["scanobjectnn"].plan(roots["scanobjectnn"], variant=variant, points=48)
        assert {item.label for item in made.items} == set(FAMILY)


def test_shapenetpart_labels_are_those_of_the_category(roots: dict[str, Path]) -> None:
    made = plan("shapenetpart", roots)
    for item in made.items:
        labels = np.loadtxt(made.root / item.path)[:, 6]
        assert set(labels.tolist()) <= set(PARTS[str(item.label)])
        assert 60 <= len(labels) <= 100
    counts = {len(np.loadtxt(made.root / item.path)) for item in made.items}
    assert len(counts) > 1, "as in ShapeNetPart, shapes have different numbers of points"


# Files and clouds


@pytest.mark.parametrize("style", sorted(set(STYLES)))
def test_every_style_is_the_same_surface(style: Any, tmp_path: Path) -> None:
    solid = joined(draw_shape("cup", generator=numpy_generator(0, "cup")).values())
    write_off(tmp_path / "plain.off", solid)
    write_off(tmp_path / "other.off", solid, style=style)
    plain, other = read_mesh(tmp_path / "plain.off"), read_mesh(tmp_path / "other.off")
    assert other.areas.sum() == pytest.approx(plain.areas.sum())
    used = other.vertices[np.unique(other.faces)]
    np.testing.assert_array_equal(np.unique(used, axis=0), np.unique(plain.vertices, axis=0))


def test_a_cloud_stands_on_y_and_knows_its_parts() -> None:
    cloud = draw_cloud("table", 4000, seed=0, name="one")
    top = cloud.points[cloud.parts == 0]
    legs = cloud.points[cloud.parts == 1]
    assert np.median(top[:, 1]) > np.median(legs[:, 1])
    assert cloud.points.mean(axis=0) == pytest.approx(0, abs=1e-6)
    up = np.abs(cloud.normals[cloud.parts == 0][:, 1])
    assert np.mean(up > 0.99) > 0.7, "a table top faces up and down"


def test_the_label_can_be_found_yet_not_by_everyone() -> None:
    """Heights and distances from the axis, as they are spread, tell more than chance and less than everything."""
    from sklearn.neighbors import KNeighborsClassifier

    features, labels = [], []
    for family in FAMILIES:
        for number in range(16):
            x, y, z = draw_cloud(family, 256, seed=3, name=str(number)).points.T
            features.append(np.concatenate([np.sort(y)[::16], np.sort(np.hypot(x, z))[::16]]))
            labels.append(family)
    learned = np.arange(len(labels)) % 16 < 11
    probe = KNeighborsClassifier(1).fit(np.array(features)[learned], np.array(labels)[learned])
    assert 0.35 < probe.score(np.array(features)[~learned], np.array(labels)[~learned]) < 0.95
