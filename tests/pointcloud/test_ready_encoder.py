"""One call for shapes: a vector is the row that embed writes, whatever the scale, the order and the neighbours."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import randquant
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.errors import UserError
from randquant.pointcloud.embedding import ShapeEmbedder
from randquant.pointcloud.encoders.weights import save_encoder, untrained_encoder
from randquant.pointcloud.points.axes import turn_up
from randquant.pointcloud.points.layout import Layout
from randquant.pointcloud.ready_encoder import PointReadyEncoder

TETRAHEDRON = "OFF\n4 4 0\n0 0 0\n1 0 0\n0 2 0\n0 0 3\n3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "encoder.safetensors"
    save_encoder(path, untrained_encoder("PointNetLite", 16, seed=0).encoder, points=64, metadata={})
    return path


@pytest.fixture
def encoder(weights: Path) -> PointReadyEncoder:
    return randquant.load(weights)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def clouds() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=(count, 3)) * [1, 2, 3] for count in (300, 64, 40)]


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_a_vector_is_the_row_that_embed_writes(
    encoder: PointReadyEncoder, weights: Path, clouds: list[np.ndarray], tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    from randquant.data_prep.engine.read_ahead import read_ahead
    from randquant.pointcloud.encoders.weights import load_encoder

    for place, cloud in enumerate(clouds):
        np.save(tmp_path / f"{place}.npy", cloud)
    plan = plan_clouds(tmp_path)
    names = [item.path for item in plan.items]
    ShapeEmbedder(load_encoder(weights), 64).write(
        tmp_path,
        names,
        lambda start: read_ahead(plan, workers=1, start=start),
        Layout.of(plan.reader.settings["channels"]),
        tmp_path / "rows.parquet",
        checkpoint="test",
        source={},
    )
    rows = torch.from_numpy(np.stack(pq.read_table(tmp_path / "rows.parquet")["embedding"].to_numpy()))
    with pytest.warns(UserWarning, match="1 of 3 shapes have fewer points than the 64"):
        found = encoder(clouds)
    close(found, rows)
    close(encoder([tmp_path / name for name in names[:2]]), rows[:2])


@pytest.mark.filterwarnings("ignore:.*fewer points")
@pytest.mark.parametrize("name", ["PointNetLite", "PointNet", "DGCNN", "PointNeXt"])
def test_a_vector_does_not_depend_on_the_others(name: str, clouds: list[np.ndarray]) -> None:
    encoder = randquant.load(f"untrained:{name}:16", points=64)
    together = encoder(clouds)
    assert together.shape == (3, encoder.dimension())
    close(encoder(clouds[::-1]).flip(0), together)
    for cloud, vector in zip(clouds, together, strict=True):
        close(encoder(torch.from_numpy(cloud)), vector)


def test_scale_place_and_up_axis_do_not_matter(encoder: PointReadyEncoder, clouds: list[np.ndarray]) -> None:
    cloud = clouds[0]
    batch = torch.from_numpy(np.stack([cloud, 5 * cloud + [1, 2, 3]]))
    found = encoder(batch)
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder(turn_up(cloud, "z", "y"), up="y"), encoder(cloud))
    with_colours = np.concatenate([cloud, np.ones((len(cloud), 3))], axis=1)
    assert torch.equal(encoder(with_colours), encoder(cloud))


def test_a_mesh_and_a_file_of_points_are_told_apart(encoder: PointReadyEncoder, tmp_path: Path) -> None:
    (tmp_path / "mesh.off").write_text(TETRAHEDRON)
    (tmp_path / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 2 0\nv 0 0 3\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n")
    (tmp_path / "points.obj").write_text("".join(f"v {place} {place**2} 0\n" for place in range(70)))
    vectors = encoder([tmp_path / name for name in ("mesh.off", "mesh.obj", "points.obj")])
    torch.testing.assert_close(vectors[0], vectors[1])
    assert not torch.allclose(vectors[1], vectors[2])
    with pytest.warns(UserWarning, match="4 faces, of which the vertices alone are taken"):
        encoder(tmp_path / "mesh.obj", clouds=True)


def test_names_of_its_own_and_half_precision(encoder: PointReadyEncoder, clouds: list[np.ndarray]) -> None:
    assert randquant.load("occupancy:4")(clouds[0][:30].repeat(40, 0)).shape == (64,)
    assert randquant.load("untrained:DGCNN:16:k=3", points=32)(clouds[0]).dim() == 1
    whole = randquant.load("untrained:PointNetLite:16", points="any")
    assert whole(clouds).shape == (3, 32)
    half = copy.deepcopy(encoder).half()(clouds[0])
    torch.testing.assert_close(half, encoder(clouds[0]), rtol=0.02, atol=0.005)


WRONG: dict[str, tuple[Callable[[PointReadyEncoder], Any], str]] = {
    "columns": (lambda encoder: encoder(np.zeros((9, 2))), r"expected numbers \(N, 3\)"),
    "empty": (lambda encoder: encoder(np.zeros((0, 3))), "there are no points"),
    "one place": (lambda encoder: encoder(np.ones((9, 3))), "all points lie in one place"),
    "NaN": (lambda encoder: encoder([np.full((9, 3), np.nan)]), "cloud 0: there are values that are not finite"),
    "up": (lambda encoder: encoder(np.eye(3), up="w"), "should be one of x, y, z"),
    "file": (lambda encoder: encoder(__file__), "neither a mesh"),
    "no file": (lambda encoder: encoder("shape.off"), "does not exist"),
    "frames": (lambda encoder: encoder.frames(np.eye(3)), "no time"),
    "normals": (lambda encoder: randquant.load("untrained:PointNetLite:16", channels=6)(np.eye(3)), "nx, ny, nz"),
    "points": (lambda encoder: randquant.load("untrained:PointNetLite:16", points=0), "a whole number above 0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_is_said(encoder: PointReadyEncoder, what: str) -> None:
    call, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        call(encoder)
