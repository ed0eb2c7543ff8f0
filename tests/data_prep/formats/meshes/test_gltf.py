"""glTF files: the triangles that a viewer shows, or a sentence."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.gltf import read_gltf
from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.errors import DataError
from tests.data_prep.formats.meshes.gltf_writer import GltfWriter
from tests.data_prep.formats.meshes.test_mesh import BOX

CASES = Path(__file__).parents[2] / "cases" / "points"
POINTS = BOX.vertices.astype(np.float32)
CORNERS = BOX.faces.ravel().astype(np.uint16)
SOLID = BOX.vertices[BOX.faces]


def box(writer: GltfWriter, **more: Any) -> dict[str, Any]:
    """A primitive."""
    return {"attributes": {"POSITION": writer.accessor(POINTS)}, "indices": writer.accessor(CORNERS), **more}


def boxed(**node: Any) -> GltfWriter:
    writer = GltfWriter()
    writer.mesh(box(writer))
    writer.scene({"mesh": 0, **node})
    return writer


def corners(path: Path) -> NDArray[np.float64]:
    """(F, 3, 3) coordinates of the corners of all triangles."""
    found = read_gltf(path)
    return found.vertices[found.faces]


@pytest.mark.parametrize("write", ["gltf", "glb", "spaced", "swapped"])
def test_every_container(write: str, tmp_path: Path) -> None:
    writer = boxed()
    if write == "spaced":
        path = writer.beside(tmp_path / "a.gltf", "sub%20part.bin", "sub part.bin")
    elif write == "swapped":
        path = writer.glb(tmp_path / "a.gltf")
    else:
        path = getattr(writer, write)(tmp_path / f"a.{write}")
    assert np.array_equal(corners(path), SOLID)
    assert read_gltf(path).notes == {}


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2"])
@pytest.mark.parametrize("normalized", [False, True])
def test_whole_numbers_as_positions(kind: str, normalized: bool, tmp_path: Path) -> None:
    writer = GltfWriter()
    largest = np.iinfo(kind).max
    values = (BOX.vertices * (largest // 3)).astype(kind)
    place = writer.accessor(values, stride=4 if kind[1] == "1" else 8, normalized=normalized)
    writer.mesh({"attributes": {"POSITION": place}, "indices": writer.accessor(CORNERS)})
    writer.scene({"mesh": 0})
    writer.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    scale = largest // 3 / largest if normalized else largest // 3
    assert np.allclose(corners(writer.glb(tmp_path / "a.glb")), SOLID * scale)


def test_strides_and_offsets(tmp_path: Path) -> None:
    writer = GltfWriter()
    rows = np.concatenate([np.full((8, 3), 7, np.float32), POINTS], axis=1)
    writer.view(rows, 40)
    bounds = {"min": POINTS.min(axis=0).tolist(), "max": POINTS.max(axis=0).tolist()}
    writer.json["accessors"].append(
        {"bufferView": 0, "byteOffset": 12, "componentType": 5126, "count": 8, "type": "VEC3", **bounds}
    )
    writer.mesh({"attributes": {"POSITION": 0}, "indices": writer.accessor(CORNERS.astype(np.uint8))})
    writer.scene({"mesh": 0})
    assert np.array_equal(corners(writer.gltf(tmp_path / "a.gltf")), SOLID)


@pytest.mark.parametrize("base", [True, False])
def test_sparse_accessors(base: bool, tmp_path: Path) -> None:
    writer = GltfWriter()
    wanted = POINTS.copy() if base else np.zeros_like(POINTS)
    wanted[[2, 7]] = [[5, 6, 7], [8, 9, 10]]
    sparse = {
        "count": 2,
        "indices": {"bufferView": writer.view(np.array([2, 7], np.uint16)), "componentType": 5123},
        "values": {"bufferView": writer.view(wanted[[2, 7]])},
    }
    bounds = {"min": wanted.min(axis=0).tolist(), "max": wanted.max(axis=0).tolist()}
    place = writer.accessor(POINTS, sparse=sparse, **bounds)
    if not base:
        del writer.json["accessors"][place]["bufferView"]
    writer.mesh({"attributes": {"POSITION": place}, "indices": writer.accessor(CORNERS)})
    writer.scene({"mesh": 0})
    assert np.array_equal(corners(writer.gltf(tmp_path / "a.gltf")), wanted.astype(np.float64)[BOX.faces])


def test_strips_fans_and_triangles_side_by_side(tmp_path: Path) -> None:
    writer = GltfWriter()
    square = np.array([[0, 0, 9], [1, 0, 9], [0, 1, 9], [1, 1, 9]], np.float32)
    strip = {"attributes": {"POSITION": writer.accessor(square)}, "mode": 5}
    fan = {"attributes": {"POSITION": writer.accessor(square)}, "mode": 6, "indices": 0}
    fan["indices"] = writer.accessor(np.array([0, 1, 3, 2], np.uint32))
    lines = {"attributes": {"POSITION": writer.accessor(square)}, "mode": 1}
    dots = {"attributes": {"POSITION": writer.accessor(square)}, "mode": 0}
    writer.mesh(strip, box(writer), lines, fan, dots)
    writer.mesh(box(writer))
    writer.scene({"mesh": 0})
    found = read_gltf(writer.gltf(tmp_path / "a.gltf"))
    assert found.notes == {"loose_elements": 2, "unshown_meshes": 1}
    assert found.vertices[found.faces][2:14].tolist() == SOLID.tolist()
    mesh = read_mesh(tmp_path / "a.gltf")
    assert mesh.areas.sum() == BOX.areas.sum() + 2
    assert (mesh.doubled_normals[[0, 1, -2, -1]] == [0, 0, 1]).all()


def turn(axis: int, angle: float) -> NDArray[np.float64]:
    matrix = np.eye(4)
    one, other = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[[one, one, other, other], [one, other, one, other]] = (
        np.cos(angle),
        -np.sin(angle),
        np.sin(angle),
        np.cos(angle),
    )
    return matrix


def moved(matrix: NDArray, triangles: NDArray = SOLID) -> NDArray:
    return triangles @ matrix[:3, :3].T + matrix[:3, 3]


def test_a_hierarchy_of_nodes(tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.mesh(box(writer))
    shift = np.eye(4)
    shift[:3, 3] = 1, 2, 3
    writer.scene(
        {"children": [1, 2], "matrix": (shift @ turn(2, 0.5)).T.ravel().tolist()},
        {"mesh": 0, "translation": [0, 0, 5], "rotation": [0, np.sin(0.35), 0, np.cos(0.35)], "scale": [1, 2, 3]},
        {"mesh": 0, "children": [3]},
        {"mesh": 0, "scale": [1, 1, -1]},
        {"mesh": 0, "translation": [9, 9, 9]},  # not in the scene
        roots=[0],
    )
    found = corners(writer.gltf(tmp_path / "a.gltf"))
    whole = shift @ turn(2, 0.5)
    child = np.eye(4)
    child[2, 3] = 5
    child = child @ turn(1, 0.7) @ np.diag([1, 2, 3, 1])
    mirrored = moved(whole @ np.diag([1, 1, -1, 1]))[:, ::-1]
    expected = [moved(whole @ child), moved(whole), mirrored]
    assert np.allclose(found, np.concatenate(expected))
    volumes = np.einsum("fi,fi->f", found[:, 0], np.cross(found[:, 1], found[:, 2])).reshape(3, -1).sum(axis=1) / 6
    assert np.allclose(volumes, [36, 6, 6])  # mirrored or not, triangles look outwards


def test_instances_count_each_time(tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.mesh(box(writer))
    attributes = {
        "TRANSLATION": writer.accessor(np.array([[0, 0, 0], [10, 0, 0]], np.float32)),
        "SCALE": writer.accessor(np.array([[1, 1, 1], [2, 2, 2]], np.float32)),
        "ROTATION": writer.accessor(np.array([[0, 0, 0, 127], [0, 0, 127, 0]], np.int8), normalized=True),
    }
    writer.scene({"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}}})
    writer.json["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    second = np.diag([-2.0, -2, 2, 1])
    second[0, 3] = 10
    assert np.allclose(corners(writer.glb(tmp_path / "a.glb")), np.concatenate([SOLID, moved(second)]))


@pytest.mark.parametrize("where", ["mesh", "node", "neither"])
def test_morph_weights(where: str, tmp_path: Path) -> None:
    writer = GltfWriter()
    up = np.zeros_like(POINTS)
    up[:, 2] = POINTS[:, 2]
    targets = [{"POSITION": writer.accessor(up)}, {"NORMAL": writer.accessor(up)}]
    writer.mesh(box(writer, targets=targets), **({"weights": [0.5, 1]} if where == "mesh" else {}))
    writer.scene({"mesh": 0, **({"weights": [0.5, 0]} if where == "node" else {})})
    scale = [1, 1, 1 if where == "neither" else 1.5]
    assert np.allclose(corners(writer.gltf(tmp_path / "a.gltf")), SOLID * scale)


def test_skins(tmp_path: Path) -> None:
    """Two joints, the second of them lifted: what hangs on it goes along, whatever the node of the mesh says."""
    writer = GltfWriter()
    joints = np.zeros((8, 4), np.uint8)
    joints[POINTS[:, 2] > 0] = [1, 0, 0, 0]
    weights = np.tile(np.array([255, 0, 0, 0], np.uint8), (8, 1))
    primitive = box(writer)
    primitive["attributes"] |= {
        "JOINTS_0": writer.accessor(joints),
        "WEIGHTS_0": writer.accessor(weights, normalized=True),
    }
    writer.mesh(primitive)
    bind = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    bind[1, :3, 3] = 0, 0, -3
    matrices = writer.accessor(bind.transpose(0, 2, 1).reshape(2, 16))
    writer.scene(
        {"mesh": 0, "skin": 0, "translation": [50, 0, 0]}, {"children": [2]}, {"translation": [0, 0, 4]}, roots=[0, 1]
    )
    writer.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": matrices}]
    lifted = SOLID + np.where(SOLID[..., 2:] > 0, [0, 0, 1], 0)
    assert np.allclose(corners(writer.gltf(tmp_path / "a.gltf")), lifted)


def test_scenes(tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.mesh(box(writer))
    writer.json |= {"nodes": [{"mesh": 0}, {"mesh": 0, "translation": [9, 0, 0]}]}
    both = np.concatenate([SOLID, SOLID + np.array([9, 0, 0])])
    scenes = [{"nodes": [0]}, {"nodes": [1]}]
    for more, expected in (
        ({"scenes": scenes, "scene": 1}, both[12:]),
        ({"scenes": scenes[:1]}, both[:12]),
        ({}, both),
    ):
        found = GltfWriter()
        found.json, found.data = {**writer.json, **more}, writer.data
        assert np.array_equal(corners(found.gltf(tmp_path / "a.gltf")), expected)
    found.json = {**writer.json, "scenes": scenes}
    with pytest.raises(DataError, match="has 2 scenes and does not say which to show"):
        read_gltf(found.gltf(tmp_path / "a.gltf"))
    del writer.json["nodes"]
    assert np.array_equal(corners(writer.gltf(tmp_path / "a.gltf")), SOLID)
    hidden = boxed(extensions={"KHR_node_visibility": {"visible": False}})
    assert read_gltf(hidden.gltf(tmp_path / "a.gltf")).notes == {"unshown_meshes": 1}


def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        writer = boxed()
        path = writer.gltf(folder / "a.gltf")
        change(writer.json)
        path.write_text(json.dumps(writer.json))
        return path

    return write


def nested(*keys: Any, to: Any) -> Callable[[Path], Path]:
    def change(found: Any) -> None:
        for key in keys[:-1]:
            found = found[key]
        found[keys[-1]] = to

    return changed(change)


DRACO = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
MESHOPT = {
    "EXT_meshopt_compression": {"buffer": 0, "byteLength": 9, "byteStride": 12, "mode": "ATTRIBUTES", "count": 8}
}
REFUSED = {
    "a later version": (nested("asset", "minVersion", to="2.1"), "is glTF of version 2.1 where 2.0 is read"),
    "version 1": (nested("asset", "version", to="1.0"), "is glTF of version 1.0 where 2.0 is read"),
    "no asset": (changed(lambda found: found.pop("asset")), "is JSON, but no glTF"),
    "required": (
        nested("extensionsRequired", to=["KHR_texture_transform", "EXT_new"]),
        "requires EXT_new, which is not",
    ),
    "draco": (
        nested("meshes", 0, "primitives", 0, "extensions", to=DRACO),
        r"compressed \(KHR_draco_mesh_compression\)",
    ),
    "meshopt": (nested("bufferViews", 0, "extensions", to=MESHOPT), r"compressed \(EXT_meshopt_compression\)"),
    "min": (
        nested("accessors", 0, "min", to=[0, 0, -1]),
        r"states the min \[0.0, 0.0, -1.0\] of its accessor 0, whose data",
    ),
    "max": (nested("accessors", 1, "max", to=[9]), r"states the max \[9.0\] of its accessor 1"),
    "short buffer": (
        nested("buffers", 0, "byteLength", to=10**6),
        "bytes in buffer 0 where it says 1,000,000; it is trunc",
    ),
    "short view": (
        nested("bufferViews", 0, "byteLength", to=95),
        "8 elements of 12 bytes where its bufferView 0 has 95",
    ),
    "long view": (nested("bufferViews", 0, "byteLength", to=4000), "and its buffer"),
    "many": (nested("accessors", 0, "count", to=10**9), "1,000,000,000 elements of 12 bytes"),
    "many without data": (
        nested("accessors", 0, to={"componentType": 5126, "type": "VEC3", "count": 10**9}),
        "without data",
    ),
    "negative": (nested("accessors", 0, "byteOffset", to=-12), "has the size or place -12"),
    "stride": (nested("bufferViews", 0, "byteStride", to=4), "truncated or damaged"),
    "type": (nested("accessors", 0, "type", to="VEC2"), "an accessor of type 'VEC2'"),
    "component": (nested("accessors", 0, "componentType", to=5130), r"\(5130\) where VEC3 is needed"),
    "index": (nested("accessors", 1, "componentType", to=5126), "truncated or damaged|not integers"),
    "mode": (nested("meshes", 0, "primitives", 0, "mode", to=7), "a primitive of mode 7"),
    "no accessor": (nested("meshes", 0, "primitives", 0, "indices", to=-1), "refers to accessors number -1 and has 2"),
    "no mesh": (nested("nodes", 0, "mesh", to=5), "refers to meshes number 5 and has 1"),
    "circle": (nested("nodes", 0, "children", to=[0]), "below themselves"),
    "two parents": (
        nested("nodes", to=[{"children": [2]}, {"children": [2]}, {"mesh": 0}]),
        "a node 2 with two parents",
    ),
    "rotation": (nested("nodes", 0, "rotation", to=[0, 0, 0, 0]), "the rotation"),
    "matrix": (nested("nodes", 0, "matrix", to=[1.0] * 16), "whose matrix is not an affine transform"),
    "short matrix": (nested("nodes", 0, "matrix", to=[1.0] * 15), "is not as glTF should be"),
    "a list": (nested("meshes", 0, to=[]), "refers to meshes number 0"),
    "a word": (nested("nodes", 0, "translation", to="up"), "is not as glTF should be"),
    "web": (nested("buffers", 0, "uri", to="https://example.org/a.bin"), "not in its own folder"),
    "absolute": (nested("buffers", 0, "uri", to="/etc/passwd"), "not in its own folder"),
    "above": (nested("buffers", 0, "uri", to="a/..%2f..\\b.bin"), "not in its own folder"),
    "absent": (nested("buffers", 0, "uri", to="absent.bin"), r"absent\.bin cannot be read \(No such file"),
    "no base64": (nested("buffers", 0, "uri", to="data:;base64,####"), "not base64"),
    "no data": (changed(lambda found: found["buffers"][0].pop("uri")), "has no data for its buffer 0"),
    "not whole": (nested("accessors", 1, "count", to=35), "35 corners of triangles, no multiple of 3"),
    "out of range": (nested("accessors", 0, "count", to=3), "states the max|vertex 7 where vertices count from 0 to 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_contradicts_itself_is_refused(name: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    with pytest.raises(DataError, match=words) as caught:
        read_gltf(write(tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_cut_of_a_binary_file(tmp_path: Path) -> None:
    path = boxed().glb(tmp_path / "a.glb")
    whole = path.read_bytes()
    for size in (*range(0, 40), *range(40, len(whole), 37)):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError):
            read_gltf(path)


def test_deep_and_wide_files_end(tmp_path: Path) -> None:
    writer = boxed()
    writer.scene(*({"children": [number + 1]} for number in range(3000)), {"mesh": 0}, roots=[0])
    assert np.array_equal(corners(writer.gltf(tmp_path / "a.gltf")), SOLID)
    (tmp_path / "a.gltf").write_text("[" * 100_000)
    with pytest.raises(DataError, match="is not glTF"):
        read_gltf(tmp_path / "a.gltf")


ODD = [None, -1, 0, 7, 10**12, 1e308, float("nan"), "x", [], {}, [1], True, {"a": 1}, [[1]], 2.5]


def places_of(found: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Keys to everything in a description."""
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in pairs:
        yield (*above, key)
        yield from places_of(value, (*above, key))


@pytest.mark.filterwarnings("error")
def test_whatever_stands_in_the_description(tmp_path: Path) -> None:
    """A mesh or a sentence, whichever value is lost or replaced."""
    writer = GltfWriter()
    joints, weights = np.zeros((8, 4), np.uint8), np.tile(np.array([1, 0, 0, 0], np.float32), (8, 1))
    primitive = box(writer, targets=[{"POSITION": writer.accessor(POINTS)}])
    primitive["attributes"] |= {"JOINTS_0": writer.accessor(joints), "WEIGHTS_0": writer.accessor(weights)}
    writer.mesh(primitive, weights=[0.5])
    instances = {"attributes": {"TRANSLATION": writer.accessor(np.eye(3, dtype=np.float32))}}
    child = {"mesh": 0, "rotation": [0, 0, 0, 1], "extensions": {"EXT_mesh_gpu_instancing": instances}}
    writer.scene({"mesh": 0, "skin": 0, "children": [1]}, child, roots=[0])
    writer.json["skins"] = [{"joints": [1]}]
    path = writer.gltf(tmp_path / "a.gltf")
    assert read_mesh(path).areas.sum() == pytest.approx(4 * 1.5**2 * BOX.areas.sum())
    text = path.read_text()
    generator = np.random.default_rng(0)
    for number, place in enumerate(places_of(json.loads(text))):
        found = json.loads(text)
        inner = found
        for key in place[:-1]:
            inner = inner[key]
        if number % 4:
            inner[place[-1]] = ODD[generator.integers(len(ODD))]
        else:
            del inner[place[-1]]
        path.write_text(json.dumps(found))
        with contextlib.suppress(DataError):
            read_mesh(path)


@pytest.mark.parametrize(
    ("name", "area", "high"),
    [
        ("plain", 12, [3.5, 0.5, 0.5]),
        ("quantised_normalised", 12, [3.5, 0.5, 0.5]),
        ("sparse", 11.746428, [2, 2, 2]),
        ("fan", 6 + 16 * np.sin(np.pi / 16), [1, 2, 1]),
    ],
)
def test_cases(name: str, area: float, high: list[float]) -> None:
    mesh = read_mesh(CASES / f"{name}.gltf")
    assert mesh.areas.sum() == pytest.approx(area, rel=1e-6)
    assert np.allclose(mesh.vertices.max(axis=0), high)


@pytest.mark.parametrize("name", ["draco", "meshopt"])
@pytest.mark.parametrize("required", [True, False])
def test_compressed_cases_are_refused_by_name(name: str, required: bool, tmp_path: Path) -> None:
    found = json.loads((CASES / f"{name}_half.gltf").read_text())
    if not required:
        del found["extensionsRequired"]
    (tmp_path / "a.gltf").write_text(json.dumps(found))
    with pytest.raises(DataError, match=f"{name}.*export it without"):
        read_mesh(tmp_path / "a.gltf")


def test_as_trimesh_reads_it(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.Scene()
    for number in range(3):
        place = trimesh.transformations.random_rotation_matrix(np.random.default_rng(number).random(3))
        place[:3, 3] = number
        scene.add_geometry(trimesh.creation.icosphere(subdivisions=number), transform=place)
    for name in ("a.glb", "a.gltf"):
        if name == "a.glb":
            scene.export(tmp_path / name)
        else:
            for part, data in scene.export(file_type="gltf").items():
                (tmp_path / part.replace("model.gltf", name)).write_bytes(data)
        mesh, expected = read_mesh(tmp_path / name), scene.to_mesh()
        assert len(mesh.faces) == len(expected.faces)
        assert mesh.areas.sum() == pytest.approx(expected.area, rel=1e-5)
        assert np.allclose(mesh.vertices.min(axis=0), expected.bounds[0], atol=1e-5)


def test_open3d_states_the_number_of_the_last_index(tmp_path: Path) -> None:
    assert len(read_gltf(nested("accessors", 1, "max", to=[35])(tmp_path)).faces) == 12
