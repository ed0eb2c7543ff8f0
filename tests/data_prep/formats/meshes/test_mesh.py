"""Meshes of any format, and the sentence that each unusable one gets."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.formats.meshes.mesh_file import MESHES, read_mesh
from randquant.errors import DataError

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 2) for z in (0, 3)], dtype=np.float64)
# Two triangles a side, counter-clockwise as seen from outside.
SIDES = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
BOX = Mesh(CUBE, np.array([[a, b, c] for a, *rest in SIDES for b, c in pairwise(rest)]))


def off_text(vertices: Any, faces: Any) -> str:
    rows = [" ".join(map(str, row)) for row in vertices] + [" ".join(map(str, (len(face), *face))) for face in faces]
    return "\n".join([f"OFF {len(vertices)} {len(faces)} 0", *rows])


def test_areas_and_directions_of_a_box() -> None:
    assert BOX.areas.sum() == 2 * (2 + 3 + 6)
    centres = BOX.vertices[BOX.faces].mean(axis=1) - BOX.vertices.mean(axis=0)
    assert ((centres * BOX.doubled_normals).sum(axis=1) > 0).all()
    assert np.allclose(np.linalg.norm(BOX.doubled_normals, axis=1), 2 * BOX.areas)


@pytest.mark.parametrize("suffix", MESHES)
def test_every_format_gives_the_same_surface(suffix: str, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / f"box{suffix.upper()}"
    if suffix == ".gltf":
        for name, data in trimesh.Trimesh(BOX.vertices, BOX.faces).scene().export(file_type="gltf").items():
            (tmp_path / name).write_bytes(data)
        path = tmp_path / "model.gltf"
    else:
        trimesh.Trimesh(BOX.vertices, BOX.faces, process=False).export(path, file_type=suffix[1:])
    mesh = read_mesh(path)
    assert (mesh.vertices.dtype, mesh.faces.dtype) == (np.float64, np.int64)
    assert np.allclose(mesh.vertices[mesh.faces], BOX.vertices[BOX.faces])


def test_the_parts_of_a_scene_are_read_together(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.Scene([trimesh.creation.box(), trimesh.creation.icosphere(subdivisions=1)])
    scene.export(tmp_path / "two.glb")
    assert len(read_mesh(tmp_path / "two.glb").faces) == 12 + 80


TRIANGLE = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (off_text([*TRIANGLE, ["nan", 0, 0]], [[0, 1, 2]]), "not finite"),
        (off_text([*TRIANGLE, [0, "inf", 0]], [[0, 1, 2]]), "not finite"),
        (off_text(TRIANGLE, [[0, 1, 3]]), "face with vertex 3 where vertices count from 0 to 2"),
        (off_text(TRIANGLE, [[0, -1, 2]]), "face with vertex -1"),
        (off_text(TRIANGLE, [[0, 1, 10**30]]), f"face with vertex {2**63 - 1} where"),
        (off_text(TRIANGLE, [[0, 1, 1], [2, 2, 2]]), "none with an area"),
        (off_text([[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0, 1, 2]]), "none with an area"),
        (off_text([[1, 1, 1]] * 3, [[0, 1, 2]]), "all vertices lie in one place"),
        (off_text([[0, 0, 0], [1e90, 0, 0], [0, 1e90, 0]], [[0, 1, 2]]), r"is 1e\+90 wide"),
        (off_text(TRIANGLE, []), "has no faces"),
    ],
    ids=range(10),
)
def test_what_has_no_surface_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "shape.off"
    path.write_text(text)
    with pytest.raises(DataError, match=expected) as caught:
        read_mesh(path)
    assert str(caught.value).startswith(str(path))


def test_small_and_large_meshes_are_meshes(tmp_path: Path) -> None:
    for scale in (1e-30, 1e30):
        (tmp_path / "shape.off").write_text(off_text(scale * np.array(TRIANGLE), [[0, 1, 2]]))
        assert read_mesh(tmp_path / "shape.off").areas[0] == pytest.approx(scale**2 / 2)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("shape.xyz", b"0 0 0", "is not a mesh; expected a file that ends in .off, .ply"),
        ("shape.ply", b"no ply at all", "begins with 'no ply at all' where a PLY file begins with ply"),
        ("shape.obj", b"", "has no faces"),
        ("shape.stl", b"solid nothing", "has no faces"),
        ("shape.glb", b"glTF\2\0\0\0", "has 8 bytes where it says 20; it is truncated"),
        ("shape.gltf", b"{", "is not glTF: its JSON cannot be read"),
        ("absent.ply", None, "No such file"),
        ("absent.stl", None, "No such file"),
    ],
)
def test_other_files_are_refused(name: str, content: bytes | None, expected: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=expected):
        read_mesh(tmp_path / name)


def test_a_cloud_of_points_is_no_mesh(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    trimesh.PointCloud(CUBE).export(tmp_path / "cloud.ply")
    with pytest.raises(DataError, match="has no faces"):
        read_mesh(tmp_path / "cloud.ply")
