"""Shapes in a store: upright, in the unit sphere, in farthest-point order, whatever the number of workers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.data.store import Store
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.shapes import finished, mesh_reader
from randquant.errors import DataError
from randquant.pointcloud.points.axes import turn_up
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from tests.data_prep.formats.meshes.test_mesh import BOX, off_text

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "shapes30"


@pytest.fixture
def cloud() -> np.ndarray:
    """(300, 3) points, of which 20 coincide with others."""
    points = np.random.default_rng(0).normal(size=(300, 3)) * [1, 2, 3] + 5
    points[-20:] = points[:20]
    return points


@pytest.mark.parametrize("count", [None, 300, 100, 1])
def test_rows_are_centred_scaled_and_ordered(count: int | None, cloud: np.ndarray) -> None:
    if count == 1:
        with pytest.raises(DataError, match="in one place"):
            finished(cloud, up="z", count=1)
        return
    rows = finished(cloud, up="z", count=count)
    assert rows.dtype == np.float32
    assert rows.shape == (count or 300, 3)
    assert np.abs(rows.mean(axis=0)).max() < 1e-6
    assert np.linalg.norm(rows, axis=1).max() == pytest.approx(1, abs=1e-6)
    order = farthest_point_sampling(torch.from_numpy(rows)[None], len(rows))[0]
    assert order.tolist() == list(range(len(rows)))


@pytest.mark.parametrize("count", [None, 200])
@pytest.mark.parametrize("first", [1, 77, 150, 299, 1_000])
def test_the_first_rows_are_those_of_all(
    first: int, count: int | None, cloud: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("randquant.data_prep.shapes.ORDERED", 100)
    options: dict[str, Any] = {"up": "z", "normals": cloud, "count": count, "file_row": True}
    assert np.array_equal(finished(cloud, first=first, **options), finished(cloud, **options)[:first])


def test_columns_stay_with_their_points(cloud: np.ndarray) -> None:
    normals = cloud / np.linalg.norm(cloud, axis=1, keepdims=True)
    rows = finished(cloud, up="y", normals=normals, extra=np.arange(600).reshape(300, 2), count=200, file_row=True)
    assert rows.shape == (200, 3 + 3 + 2 + 1)
    places = rows[:, -1].astype(int)
    assert len(set(places)) == 200
    assert np.allclose(rows[:, 3:6], turn_up(normals, "y", "z")[places], atol=1e-6)
    assert (rows[:, 6] == 2 * places).all()
    turned = turn_up(cloud, "y", "z")[places]
    centred = turned - turned.mean(axis=0)
    assert np.allclose(rows[:, :3], centred / np.linalg.norm(centred, axis=1).max(), atol=1e-6)


@pytest.mark.parametrize(("up", "axis"), [("x", 0), ("y", 1), ("z", 2)])
def test_up_becomes_z(up: str, axis: int, cloud: np.ndarray) -> None:
    rows = finished(cloud, up=up, file_row=True)  # type: ignore[arg-type]
    heights = cloud[rows[:, -1].astype(int), axis]
    assert np.corrcoef(rows[:, 2], heights)[0, 1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("points", "count", "expected"),
    [
        (np.empty((0, 3)), None, "no points"),
        (np.eye(3), 4, "3 points where 4 are asked for"),
        (np.array([[0, 0, np.nan], [1, 1, 1]]), None, "not finite"),
        (np.full((1000, 3), 0.1), None, "in one place"),
        (1e200 * np.eye(3), None, "too large to be measured"),
    ],
)
def test_unusable_clouds(points: np.ndarray, count: int | None, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        finished(points, up="z", count=count)


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    root = tmp_path / "meshes"
    root.mkdir()
    for number in range(130):
        (root / f"{number:03d}.off").write_text(off_text(BOX.vertices * [1, 1, 1 + number / 10], BOX.faces))
    (root / "050.off").write_text("OFF\n8 12 0\n0 0 0\n")
    return root


def plan(root: Path, seed: int = 0) -> Plan:
    items = [Item(path.name, path.stat().st_size, "box", split="train") for path in sorted(root.glob("*.off"))]
    return Plan(root, items, mesh_reader(points=64, seed=seed))


def test_a_store_of_meshes(meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("randquant.data_prep.engine.preparation._SMALL_ITEMS", 0)
    stores = [prepare(plan(meshes), tmp_path / f"store{workers}", workers=workers) for workers in (1, 2)]
    assert stores[0].content_hash == stores[1].content_hash
    store = Store.open(tmp_path / "store2", kind="points")
    assert len(store) == 129
    assert [entry["path"] for entry in store.info["skipped"]] == ["050.off"]
    assert store.rows(0).shape == (64, 6)
    assert set(store.column("faces")) == {12}
    assert set(store.column("vertices")) == {8}
    expected = {"channels": ["x", "y", "z", "nx", "ny", "nz"], "points": 64, "up": "z", "file_up": "z", "seed": 0}
    expected |= {"normalise": "unit_sphere", "sampling": "area", "order": "farthest"}
    assert {name: store.info[name] for name in expected} == expected


def test_how_a_file_is_written_does_not_matter(tmp_path: Path) -> None:
    text = off_text(BOX.vertices, BOX.faces)
    (tmp_path / "one.off").write_text(text)
    (tmp_path / "other.off").write_text("# box\n" + text.replace("OFF ", "OFF\r\n").replace("\n", "\r\n"))
    rows = [next(iter(mesh_reader().read(tmp_path / name)[1])) for name in ("one.off", "other.off")]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], next(iter(mesh_reader(seed=1).read(tmp_path / "one.off")[1])))


def test_settings_enter_the_plan(meshes: Path) -> None:
    assert plan(meshes).fingerprint() != plan(meshes, seed=1).fingerprint()
    with pytest.raises(ValueError, match="at least 1"):
        mesh_reader(points=0)


@pytest.mark.skipif(not REAL.is_dir(), reason="the meshes of shapes30 are not on this machine")
def test_real_meshes() -> None:
    for path in sorted(REAL.glob("*/test/*.off"))[::25]:
        columns, blocks = mesh_reader(points=256).read(path)
        (rows,) = blocks
        assert rows.shape == (256, 6)
        assert columns["faces"] > 0
        assert np.linalg.norm(rows[:, :3], axis=1).max() == pytest.approx(1, abs=1e-6)
        assert np.allclose(np.linalg.norm(rows[:, 3:], axis=1), 1, atol=1e-6)
