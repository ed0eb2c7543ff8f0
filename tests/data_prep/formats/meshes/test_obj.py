"""Wavefront files: the same box however it is written, and each wrong line in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.meshes import obj as module
from randquant.data_prep.formats.meshes.obj import read_obj, read_obj_points
from randquant.errors import DataError
from tests.data_prep.formats.meshes.test_mesh import BOX, CUBE, SIDES

VERTICES = [f"v {x:g} {y:g} {z:g}" for x, y, z in CUBE]
FACES = ["f " + " ".join(str(corner + 1) for corner in side) for side in SIDES]
PLAIN = "\n".join([*VERTICES, *FACES, ""])
# Every side with vertices of its own, right above it, counted back.
BLOCKS = "\n".join(f"{VERTICES[a]}\n{VERTICES[b]}\n{VERTICES[c]}\n{VERTICES[d]}\nf -4 -3 -2 -1" for a, b, c, d in SIDES)


@pytest.fixture(autouse=True, params=["compiled", "plain"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of any length by compiled code where it is there, and without it."""
    monkeypatch.setattr(module, "LONG", 0)
    if request.param == "plain":
        monkeypatch.setattr(module, "has_compiled_readers", lambda: False)


def geometry(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = read_obj(path)
    return found.vertices, found.faces


def area(path: Path) -> float:
    vertices, faces = geometry(path)
    first, second, third = vertices[faces].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        PLAIN.replace(" ", "\t").replace("f", "  f"),
        "# a box\nmtllib a.mtl\no box\n" + PLAIN.replace("\nf", " # ü\nusemtl a\ns 1\nf", 1),
        PLAIN.replace("\nf", " 0.5 0.5 0.5\nf", 1),  # a colour on one line alone
        PLAIN.replace("f 1 2 4", "f 1/1 2//2 4/4/4"),
        PLAIN.replace("f 1 2 4 3", "f 1 2 \\\n4 3"),
        PLAIN.replace("f 1 2 4 3", "f 1 2\\ \t\n 4 \\\n3"),
        "# C:\\meshes\\\nmtllib C:\\meshes\\\n" + PLAIN.replace("\nf", "\no C:\\a\\ \nf", 1),
        BLOCKS,
        "\n".join([*VERTICES, *(f"f {' '.join(str(corner - 8) for corner in side)}" for side in SIDES)]),
    ],
)
def test_the_same_box_however_it_is_written(text: str, tmp_path: Path) -> None:
    (tmp_path / "box.obj").write_text(text, encoding="utf-8", newline="")
    vertices, faces = geometry(tmp_path / "box.obj")
    assert np.array_equal(vertices[faces], BOX.vertices[BOX.faces])


def test_groups_written_differently(tmp_path: Path) -> None:
    """A square with textures and a hexagon with normals: as many numbers in either line."""
    hexagon = [(np.cos(angle), np.sin(angle)) for angle in np.arange(6) * np.pi / 3]
    lines = ["v 0 0 0", "v 1 0 0", "v 1 1 0", "v 0 1 0", "o a", "f 1/1/1 2/2/1 3/3/1 4/4/1"]
    lines += ["o b", *(f"v {x} {y} 1" for x, y in hexagon), "f 5//2 6//2 7//2 8//2 9//2 10//2"]
    (tmp_path / "two.obj").write_text("\n".join(lines))
    assert area(tmp_path / "two.obj") == pytest.approx(1 + 1.5 * 3**0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v 0 0\nv 1 0 0\n", "line 1 reads '0 0' where the three coordinates of a vertex are expected"),
        ("v 0 0 0\nv 1 x 0\n", "line 2 reads '1 x 0'"),
        (PLAIN + "f 1 two 3\n", "line 15 reads '1 two 3' where the corners of a face are expected"),
        (PLAIN + "f 1.5 2 3\n", "the corners of a face"),
        (PLAIN + "f /1 2 3\n", "the corners of a face"),
        (PLAIN + "f 1 \\\n2 3\nf 1 two 3\n", "line 17 reads '1 two 3'"),
        ("v -1.#IND 1.#QNAN 0\n" + PLAIN, "line 1 reads '-1.#IND 1.#QNAN 0'"),
        (PLAIN + "f 0 1 2\n", "line 15 has vertex 0 where vertices count from 1"),
    ],
)
def test_wrong_lines(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(DataError, match=words):
        read_obj(tmp_path / "a.obj")


def test_files_without_faces(tmp_path: Path) -> None:
    for text in ("", "\n".join(VERTICES)):
        (tmp_path / "a.obj").write_text(text)
        assert read_obj(tmp_path / "a.obj").faces.shape == (0, 3)


def test_as_trimesh_reads_it(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "a.obj")
    vertices, faces = geometry(tmp_path / "a.obj")
    assert np.allclose(vertices, sphere.vertices, atol=1e-6)
    assert np.array_equal(faces, sphere.faces)


def test_points_alone(tmp_path: Path) -> None:
    for text in ("\n".join(VERTICES), PLAIN, PLAIN.replace("v", "V")):
        (tmp_path / "a.obj").write_text(text)
        assert np.array_equal(read_obj_points(tmp_path / "a.obj"), CUBE)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_in_other_encodings_is_named(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(PLAIN, encoding=encoding)
    with pytest.raises(DataError, match="is text in UTF-16 where UTF-8 is read"):
        read_obj(tmp_path / "a.obj")


def test_machine_code_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_bytes(b"\x64\x86\x02\0" + bytes(range(1, 255)))
    with pytest.raises(DataError, match="is binary where"):
        read_obj(tmp_path / "a.obj")


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(PLAIN + "f 1 2\np 1\nl 1 2 3\n")
    assert read_obj(tmp_path / "a.obj").notes == {"short_faces": 1, "loose_elements": 2}
    (tmp_path / "a.obj").write_text(PLAIN.replace("f 1 2", "fo 1 2"))
    assert area(tmp_path / "a.obj") == BOX.areas.sum()
    (tmp_path / "a.obj").write_text("cstype bspline\nsurf 0 1 0 1 1 2 3 4\n" + PLAIN)
    with pytest.raises(DataError, match="line 2 has a free-form surface"):
        read_obj(tmp_path / "a.obj")


@pytest.mark.parametrize("end", ["f", "v", "v 1 2", "f 1/1 2/2 x"])
def test_a_cut_that_leaves_no_whole_line_is_refused(end: str, tmp_path: Path) -> None:
    (tmp_path / "x.obj").write_text(PLAIN + end)
    with pytest.raises(DataError, match=f"line {len(VERTICES) + len(FACES) + 1} reads"):
        read_obj(tmp_path / "x.obj")


@pytest.mark.parametrize("end", ["f ", "f 1", "f 1 2"])
def test_a_cut_that_leaves_too_few_corners_is_noted(end: str, tmp_path: Path) -> None:
    (tmp_path / "x.obj").write_text(PLAIN + end)
    assert read_obj(tmp_path / "x.obj").notes == {"short_faces": 1}


def test_lines_of_no_keyword_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.obj"
    path.write_text(PLAIN + "w 1 2 3\ng all\ns off\n# f 1 2 3\nusemtl a\nvt 0 0\nvn 0 0 1\n\nmtllib a.mtl\n6 1 2 3\n")
    assert read_obj(path).notes == {"unknown_lines": 2}
