"""STL files: every facet of every solid, or a sentence."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.data_prep.formats.meshes.stl import read_stl
from randquant.errors import DataError

CASES = Path(__file__).parents[2] / "cases" / "points"
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
AREA = 1.5 + 3**0.5 / 2


def text(name: str = "a part", shift: float = 0.0) -> str:
    facets = ""
    for face in CORNERS[FACES] + shift:
        rows = "".join(f"      vertex {x:e} {y:e} {z:e}\n" for x, y, z in face)
        facets += f"  facet normal 0 0 0\n    outer loop\n{rows}    endloop\n  endfacet\n"
    return f"solid {name}\n{facets}endsolid {name}\n"


def binary(count: int | None = None, *, head: bytes = b"", facets: int = 4, rest: bytes = b"") -> bytes:
    rows = np.zeros(facets, np.dtype([("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")]))
    rows["v"] = np.tile(CORNERS[FACES], (facets // 4 + 1, 1, 1))[:facets]
    told = facets if count is None else count
    return head.ljust(80, b" ") + told.to_bytes(4, "little") + rows.tobytes() + rest


PLAIN = text()
TWO = PLAIN + text("b", 5)
SAME = {
    "plain": (PLAIN, {}),
    "CRLF": (PLAIN.replace("\n", "\r\n"), {}),
    "CR": (PLAIN.replace("\n", "\r"), {}),
    "capitals": (PLAIN.upper(), {}),
    "tabs": (PLAIN.replace(" ", "\t"), {}),
    "byte order mark": ("\ufeff" + PLAIN, {}),
    "end solid": (PLAIN.replace("endsolid", "end solid"), {}),
    "end facet": (PLAIN.replace("endfacet", "end facet").replace("endloop", "end loop"), {}),
    "no name": (PLAIN.replace(" a part", ""), {}),
    "a name of keywords": (PLAIN.replace("a part", "vertex of a solid facet outer loop"), {}),
    "remarks": (PLAIN.replace("\n", "\n# facet normal\n// vertex\n"), {}),
    "normals that are none": (PLAIN.replace("normal 0 0 0", "normal -nan(ind) nan 1.#IND"), {}),
    "no normals": (PLAIN.replace(" normal 0 0 0", ""), {}),
    "not ended": (PLAIN.replace("endsolid a part\n", ""), {"unended_solids": 1}),
    "one line": (PLAIN.replace("\n", " "), {}),
    "one line without a name": (PLAIN.replace("\n", " ").replace("a part", ""), {}),
    "blank lines": (PLAIN.replace("\n", "\n\n"), {}),
}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.stl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("form", SAME)
def test_every_form_of_text(form: str, tmp_path: Path) -> None:
    content, notes = SAME[form]
    found = read_stl(written(tmp_path, content))
    assert np.array_equal(found.vertices[found.faces], CORNERS[FACES])
    assert found.notes == notes


@pytest.mark.parametrize(
    "change", [("", ""), ("endsolid", "end solid"), ("endsolid b\n", ""), ("endsolid", "ENDSOLID")]
)
def test_every_solid_counts(change: tuple[str, str], tmp_path: Path) -> None:
    mesh = read_mesh(written(tmp_path, TWO.replace(*change)))
    assert len(mesh.faces) == 8
    assert mesh.areas.sum() == pytest.approx(2 * AREA)
    assert np.ptp(mesh.vertices, axis=0).tolist() == [6, 6, 6]


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (binary(), {}),
        (binary(head=b"solid of a program"), {}),
        (binary(head=b"solid facet normal"), {}),
        (binary(0), {"stl_counts": 1}),
        (binary(9), {"stl_counts": 1}),
        (binary(2**32 - 1), {"stl_counts": 1}),
        (binary(3), {"stl_counts": 1}),
        (binary(rest=b"\1\2"), {"trailing_bytes": 2}),
        (binary(rest=b"made by a program, " * 10), {"trailing_bytes": 190}),
        (binary(rest=bytes(100)), {"trailing_bytes": 100}),
        (binary(0, rest=b"\1\2"), {"stl_counts": 1, "trailing_bytes": 2}),
    ],
)
def test_binary_files_are_read_by_their_size(content: bytes, notes: dict[str, int], tmp_path: Path) -> None:
    found = read_stl(written(tmp_path, content))
    assert np.array_equal(found.vertices[found.faces], CORNERS[FACES])
    assert found.notes == notes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is 0 bytes long and does not begin with solid"),
        (b"no stl at all", "is 13 bytes long"),
        (binary() + binary(), "holds a second STL file after its 284 bytes"),
        (binary() + PLAIN.encode(), "holds a second STL file after its 284 bytes"),
        (binary()[:80] + (4).to_bytes(4, "big") + binary()[84:], "is a binary STL file in big-endian order"),
        (binary()[:-1], "says that it has 4 facets and ends within number 4; it is truncated or no STL"),
        (binary(head=b"solid")[:-20], "ends within number 4"),
        (
            PLAIN.replace("endfacet", "x", 1),
            "something other than a facet of three vertices or more after its first 0",
        ),
        (PLAIN.replace("1.0", "1,0"), "line 5 reads 'vertex 0.000000e\\+00 1,000000e\\+00 0.000000e\\+00' where three"),
        (PLAIN.replace("vertex", "vertx"), "something other than a facet"),
        (PLAIN[: PLAIN.rindex("vertex") + 20], "ends within facet 4; it is truncated"),
        (PLAIN[: PLAIN.rindex("endfacet")], "ends within facet 4"),
        (PLAIN[: PLAIN.rindex("outer")], "ends within facet 4"),
        (PLAIN[: PLAIN.rindex("endloop")].encode() + bytes(512), "is text with other bytes in it"),
        (PLAIN.encode("utf-16"), "is text in UTF-16"),
        (b"\x1f\x8b\x08" + bytes(90), "is compressed"),
    ],
    ids=range(16),
)
def test_what_is_broken_is_named(content: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_stl(written(tmp_path, content))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_facets_of_four_corners(tmp_path: Path) -> None:
    rows = "".join(f"vertex {x} {y} 0\n" for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)))
    content = f"solid\nfacet normal 0 0 1\nouter loop\n{rows}endloop\nendfacet\nendsolid\n"
    assert read_mesh(written(tmp_path, content)).areas.tolist() == [0.5, 0.5]


def test_every_cut_is_an_error_or_noted(tmp_path: Path) -> None:
    for content in (TWO.encode(), binary()):
        for size in range(0, len(content) - 1, 7):
            try:
                found = read_stl(written(tmp_path, content[:size]))
            except DataError:
                continue
            ended = content[:size].count(b"endsolid") == content[:size].count(b"\nsolid") + 1
            assert len(found.faces) in (0, 8) or found.notes or ended


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_as_trimesh_reads_it(kind: str, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "a.stl", file_type=kind)
    found = read_stl(tmp_path / "a.stl")
    expected = trimesh.load_mesh(tmp_path / "a.stl", process=False)
    assert np.array_equal(found.vertices[found.faces], expected.triangles)


@pytest.mark.parametrize(
    ("name", "area", "notes"),
    [
        ("bin_count0", AREA, {"stl_counts": 1}),
        ("bin_countmore", AREA, {"stl_counts": 1}),
        ("bin_extra2", AREA, {"trailing_bytes": 2}),
        ("end_solid", AREA, {}),
        ("two_solids_second_unended", 2 * AREA, {"unended_solids": 1}),
    ],
)
def test_cases(name: str, area: float, notes: dict[str, int]) -> None:
    mesh = read_mesh(CASES / f"{name}.stl")
    assert mesh.areas.sum() == pytest.approx(area)
    assert mesh.notes == notes
