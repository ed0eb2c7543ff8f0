"""A folder of meshes of any kind, without labels."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.data_prep.shapes import mesh_reader
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.axes import turn_up
from tests.data_prep.formats.meshes.gltf_writer import GltfWriter

TETRAHEDRON = "OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "meshes"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a.off").write_text(TETRAHEDRON)
    (root / "deep" / "B.OFF").write_text(TETRAHEDRON)
    (root / "deep" / "er" / "c.obj").write_text(OBJ)
    (root / "deep" / "er" / "c.mtl").write_text("none of ours")
    (root / "._a.off").write_bytes(b"litter")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "a.off").write_bytes(b"litter")
    return root


def test_every_mesh(tree: Path, tmp_path: Path) -> None:
    plan = plan_meshes(tree, points=32)
    assert [item.path for item in plan.items] == ["a.off", "deep/B.OFF", "deep/er/c.obj"]
    assert {(item.label, item.split, item.group) for item in plan.items} == {(None, None, None)}
    assert plan.source["other_files"] == 1
    store = prepare(plan, tmp_path / "store", strict=True)
    assert store.lengths.tolist() == [32] * 3
    assert store.column("faces") == [4] * 3
    assert np.array_equal(store.rows(0), store.rows(1))


def test_settings_make_another_plan(tree: Path) -> None:
    plans = [
        plan_meshes(tree),
        plan_meshes(tree, points=16),
        plan_meshes(tree, up="y"),
        plan_meshes(tree, seed=1),
        plan_meshes(tree, sampling="poisson"),
    ]
    assert len({plan.fingerprint() for plan in plans}) == len(plans)


def test_the_axis_that_points_up_is_that_of_the_format(tree: Path, tmp_path: Path) -> None:
    """The same tetrahedron as OFF on z and as glTF on y."""
    plain = plan_meshes(tree)
    assert plain.fingerprint() == plan_meshes(tree, up="z").fingerprint()
    assert plain.reader.settings["file_up"] == "z"
    writer = GltfWriter()
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    indices = np.array([0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3], np.uint8)
    lying = corners[:, [0, 2, 1]] * [1, 1, -1]  # z becomes y, y becomes -z
    place = writer.accessor(lying.astype(np.float32))
    writer.mesh({"attributes": {"POSITION": place}, "indices": writer.accessor(indices)})
    writer.scene({"mesh": 0})
    writer.glb(tree / "d.glb")
    plan = plan_meshes(tree, points=32)
    assert plan.reader.settings["file_up"] == "by format"
    store = prepare(plan, tmp_path / "store", strict=True)
    rows = {path: store.rows(row)[:, :3] for row, path in enumerate(store.column("path"))}
    assert rows["d.glb"].shape == rows["a.off"].shape
    explicit = plan_meshes(tree, points=32, up="z")
    assert explicit.reader.settings["file_up"] == "z"
    read = {up: next(iter(mesh_reader(points=32, up=up).read(tree / "d.glb")[1])) for up in (None, "y", "z")}
    assert np.array_equal(read[None], read["y"])
    assert not np.array_equal(read[None], read["z"])
    assert np.array_equal(turn_up(read["z"][:, :3], "y", "z"), read["y"][:, :3])


def test_refusals(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--points"):
        plan_meshes(tree, points=0)
    with pytest.raises(DataError, match="does not exist"):
        plan_meshes(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no meshes among its 1 files; give one with \.off"):
        plan_meshes(tmp_path / "empty")
