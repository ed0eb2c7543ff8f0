"""PLY files: every form gives the same mesh, a truncated one none, and libraries agree where they can read."""

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from randquant.data_prep.formats.meshes.ply import read_ply
from randquant.data_prep.formats.meshes.polygons import fans
from randquant.errors import DataError

FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
POINTS = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
POLYGONS = [(0, 1, 2, 3), (4, 5, 6), (1, 2), (3, 4, 5, 6, 7), (5, 6, 7)]
TRIANGLES = [(0, 1, 2), (0, 2, 3), (4, 5, 6), (3, 4, 5), (3, 5, 6), (3, 6, 7), (5, 6, 7)]


def ply(form: str, points: np.ndarray, polygons: Sequence[Sequence[int]], end: str = "\n") -> bytes:
    """A mesh as a file that also holds colours, normals and edges, before and after what counts."""
    header = ["ply", f"format {form} 1.0", "comment made for a test", "obj_info element vertex 5"]
    header += ["element edge 2", "property short from", "property ushort to"]
    header += [f"element vertex {len(points)}", *(f"property {kind} {name}" for kind, name in VERTEX)]
    header += [f"element face {len(polygons)}", "property uchar red", "property list uchar int vertex_indices"]
    header += ["property list ushort double weights", "element material 1", "property float gloss", "end_header"]
    rows: list[tuple[str, Sequence[float]]] = [("hH", (1, 2)), ("hH", (-3, 4))]
    rows += [("dfBfd", (x, y, 200, z, 0.5)) for x, y, z in points.tolist()]
    rows += [
        (f"BB{len(face)}iH{len(face) % 3}d", (7, len(face), *face, len(face) % 3, *[0.25] * (len(face) % 3)))
        for face in polygons
    ]
    rows.append(("f", (0.5,)))
    head = end.join(header).encode() + end.encode()
    if form == "ascii":
        return head + "".join(" ".join(f"{value:.9g}" for value in row) + end for _, row in rows).encode()
    return head + b"".join(struct.pack(FORMATS[form] + codes, *row) for codes, row in rows)


VERTEX = [("double", "x"), ("float32", "y"), ("uchar", "red"), ("float", "z"), ("float64", "nx")]


def faces(path: Path) -> list[list[int]]:
    """Fans."""
    found = read_ply(path)
    return fans(found.corners, found.counts).tolist()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_form_gives_the_same(form: str, end: str, tmp_path: Path) -> None:
    found = read_ply(write(tmp_path / "a.ply", ply(form, POINTS, POLYGONS, end)))
    assert faces(tmp_path / "a.ply") == [list(face) for face in TRIANGLES]
    assert list(found.vertices) == [name for _, name in VERTEX]
    assert np.allclose(np.stack([found.vertices[axis] for axis in "xyz"], axis=-1), POINTS, rtol=1e-6)
    assert found.vertices["red"].tolist() == [200] * 8
    assert found.vertices["nx"].tolist() == [0.5] * 8


@given(st.lists(st.lists(st.integers(0, 7), max_size=6), min_size=1, max_size=9), st.sampled_from(sorted(FORMATS)))
def test_polygons_become_fans(tmp_path_factory: pytest.TempPathFactory, polygons: list[list[int]], form: str) -> None:
    path = write(tmp_path_factory.mktemp("ply") / "a.ply", ply(form, POINTS, polygons))
    slow = [[first, *pair] for first, *rest in filter(None, polygons) for pair in pairwise(rest)]
    assert faces(path) == slow


@pytest.mark.parametrize("polygons", [POLYGONS, TRIANGLES])
@pytest.mark.parametrize("form", FORMATS)
def test_a_truncated_file_is_refused(form: str, polygons: list[tuple[int, ...]], tmp_path: Path) -> None:
    whole = ply(form, POINTS, polygons)
    # The last number of a text is the same number without its last digits.
    for length in range(0, len(whole) - (4 if form == "ascii" else 0), 3):
        with pytest.raises(
            DataError, match=r"truncated|does not begin with the header|is empty|where a PLY file begins"
        ) as caught:
            read_ply(write(tmp_path / "a.ply", whole[:length]))
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
def test_a_cloud_has_no_faces(form: str, tmp_path: Path) -> None:
    found = read_ply(write(tmp_path / "a.ply", ply(form, POINTS, [])))
    assert found.counts.shape == (0,)
    assert len(found.vertices["x"]) == 8


@pytest.mark.parametrize("encoding", ["binary", "ascii"])
def test_as_libraries_read_it(encoding: str, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "a.ply", encoding=encoding, vertex_normal=True)
    found = read_ply(tmp_path / "a.ply")
    assert faces(tmp_path / "a.ply") == sphere.faces.tolist()
    for names, expected in (("xyz", sphere.vertices), (("nx", "ny", "nz"), sphere.vertex_normals)):
        columns = np.stack([found.vertices[name] for name in names], axis=-1)
        assert np.allclose(columns, expected, atol=1e-6)


HEAD = "ply\nformat ascii 1.0\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty where a PLY file begins"),
        ("solid a\n", "begins with 'solid a.*' where a PLY file begins with ply"),
        ("plyable", "does not begin with the header"),
        (HEAD + "element vertex 1\n" + XYZ, "does not begin with the header"),
        ("ply\nelement vertex 1\nend_header\n1 2 3\n", "text or binary"),
        ("ply\nformat utf8 1.0\nend_header\n", "text or binary"),
        (HEAD + "element vertex -1\n" + XYZ + "end_header\n", "'element vertex -1' in its header"),
        (HEAD + "element vertex 1\nproperty half x\nend_header\n1\n", "'property half x'"),
        (HEAD + "property float x\nend_header\n1\n", "'property float x'"),
        (HEAD + "element vertex 1\nproperty float x\nend_header\n1\n", "no vertices with x, y and z"),
        (HEAD + "end_header\n", "no vertices with x, y and z"),
        (
            HEAD + "element vertex 1\n" + XYZ + "end_header\n1 2 x\n",
            "line 1 below its header reads .1 2 x. where numbers",
        ),
        (HEAD + 2 * f"element vertex 1\n{XYZ}" + "end_header\n1 2 3\n4 5 6\n", "has two elements called vertex"),
        (HEAD + f"element vertex 1\n{XYZ}{XYZ}end_header\n1 2 3 4 5 6\n", "has two properties of vertex called x"),
        (HEAD + "element vertex 1\n" + XYZ + "end_header\n1 2 3 4\n", "more numbers than its header says"),
        (HEAD + "element vertex 2\n" + XYZ + "end_header\n1 2 3\n4 5\n", "before its 2 rows of vertex"),
        (
            HEAD + "element vertex 1\n" + XYZ + "element face 1\nproperty list char int vertex_index\nend_header\n"
            "1 2 3\n-1 0 0\n",
            "a face with a list of -1 numbers",
        ),
        (
            HEAD + "element vertex 1\n" + XYZ + "element face 1\nproperty list uchar float vertex_index\nend_header\n"
            "1 2 3\n3 0 0.7 0\n",
            "a corner that is not an integer",
        ),
        (
            HEAD + "element vertex 1\nproperty list uchar float x\nproperty float y\nproperty float z\nend_header\n"
            "2 1 1 2 3\n",
            "no vertices with x, y and z",
        ),
    ],
)
def test_wrong_files(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_ply(write(tmp_path / "a.ply", content.encode()))
    assert "\n" not in str(caught.value)


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    """Nothing is allocated by the header's word alone."""
    lists = "property list uchar int vertex_index\n"
    for rows, properties in ((10**9, XYZ), (10**15 - 1, XYZ), (10**15 - 1, lists)):
        head = f"ply\nformat binary_little_endian 1.0\nelement vertex {rows}\n{properties}end_header\n"
        with pytest.raises(DataError, match="truncated"):
            read_ply(write(tmp_path / "a.ply", head.encode() + bytes(24)))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_ply(tmp_path / "a.ply")
    with pytest.raises(DataError, match="Is a directory"):
        read_ply(tmp_path)


TRIANGLE = "element vertex 3\n" + XYZ
PLACES = "0 0 0\n1 0 0\n0 1 0\n"


@pytest.mark.parametrize(
    "kind", ["char", "uchar", "short", "ushort", "int", "uint", "int8", "uint8", "int64", "uint64"]
)
@pytest.mark.parametrize("form", FORMATS)
def test_lists_of_any_whole_numbers(kind: str, form: str, tmp_path: Path) -> None:
    code = {"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I"}.get(kind)
    code = code or {"int8": "b", "uint8": "B", "int64": "q", "uint64": "Q"}[kind]
    head = f"ply\nformat {form} 1.0\n{TRIANGLE}element face 1\nproperty list {kind} {kind} vertex_index\nend_header\n"
    body = (PLACES + "3 0 1 2\n").encode()
    if form != "ascii":
        body = struct.pack(f"{FORMATS[form]}9f4{code}", *map(float, PLACES.split()), 3, 0, 1, 2)
    assert faces(write(tmp_path / "a.ply", head.encode() + body)) == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ("property list uchar int vertex_indexes", "3 0 1 2"),
        ("property list uchar int corners\nproperty uchar red", "3 0 1 2 9"),
        ("property list uchar int vertex index", "3 0 1 2"),
        ("property list uchar float texcoord\nproperty list uchar int vertex_indices", "2 .5 .5 3 0 1 2"),
    ],
)
def test_other_names_of_the_list(properties: str, row: str, tmp_path: Path) -> None:
    text = f"PLY\nformat ascii 1.0\n{TRIANGLE}element face 1\n{properties}\nend_header\n{PLACES}{row}\n"
    assert faces(write(tmp_path / "a.ply", text.encode())) == [[0, 1, 2]]


def test_faces_without_vertices_are_refused(tmp_path: Path) -> None:
    lists = "property list uchar int a\nproperty list uchar int b"
    text = f"{HEAD}{TRIANGLE}element face 1\n{lists}\nend_header\n{PLACES}3 0 1 2 3 0 1 2\n"
    with pytest.raises(DataError, match=r"a face without vertex_indices \(it has a, b\)"):
        read_ply(write(tmp_path / "a.ply", text.encode()))


def test_strips_of_triangles(tmp_path: Path) -> None:
    strip = "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
    text = f"{HEAD}element vertex 5\n{XYZ}{strip}{PLACES}1 1 0\n2 1 0\n9 0 1 2 3 -1 1 3 4 -1\n"
    assert faces(write(tmp_path / "a.ply", text.encode())) == [[0, 1, 2], [3, 2, 1], [1, 3, 4]]


def test_capitals_and_a_line_end_behind_lists(tmp_path: Path) -> None:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 2\n{XYZ.replace(' x', ' X').replace(' y', ' Y')}"
    head = head.replace(" z", " Z") + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    path = write(tmp_path / "a.ply", head.encode() + struct.pack("<6fB3i", *range(6), 3, 0, 1, 1) + b"\r\n")
    assert read_ply(path).vertices["z"].tolist() == [2, 5]


def test_more_rows_than_the_header_says(tmp_path: Path) -> None:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 2\n{XYZ}end_header\n".encode()
    for rest, refused in ((b"", False), (b"\n", False), (bytes(64), False), (b"\1" * 12, True)):
        write(tmp_path / "a.ply", head + struct.pack("<6f", *range(6)) + rest)
        if refused:
            with pytest.raises(DataError, match="holds more bytes than its header says"):
                read_ply(tmp_path / "a.ply")
        else:
            assert len(read_ply(tmp_path / "a.ply").vertices["x"]) == 2
