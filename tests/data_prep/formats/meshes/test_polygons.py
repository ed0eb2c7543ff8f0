"""Polygons as triangles, against one polygon at a time and against their area."""

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.mesh import from_polygons
from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.data_prep.formats.meshes.polygons import Cut, fans, strip_triangles, triangles
from randquant.errors import DataError

CASES = Path(__file__).parents[2] / "cases" / "points"


@given(st.lists(st.lists(st.integers(0, 99), max_size=7), max_size=12))
def test_one_polygon_at_a_time(polygons: list[list[int]]) -> None:
    corners = np.array([corner for polygon in polygons for corner in polygon], dtype=np.int64)
    counts = np.array([len(polygon) for polygon in polygons], dtype=np.int64)
    slow = [[polygon[0], *polygon[at : at + 2]] for polygon in polygons for at in range(1, len(polygon) - 1)]
    assert fans(corners, counts).tolist() == slow
    assert fans(corners, counts).shape == (len(slow), 3)
    turned = [piece for polygon in polygons for piece in slow_strip(polygon)]
    assert strip_triangles(corners, counts).tolist() == turned


def slow_strip(corners: Sequence[int]) -> list[list[int]]:
    pieces = [list(corners[place : place + 3]) for place in range(len(corners) - 2)]
    return [piece[::-1] if place % 2 else piece for place, piece in enumerate(pieces)]


def area(vertices: NDArray, faces: NDArray) -> float:
    first, second, third = vertices[faces.T]
    return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)


def shoelace(plane: NDArray) -> float:
    x, y = plane.T
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


def cut(outline: Sequence[Sequence[float]]) -> tuple[float, Cut]:
    points = np.array(outline, dtype=np.float64)
    points = np.pad(points, ((0, 0), (0, 3 - points.shape[1])))
    found = triangles(points, np.arange(len(points)), np.array([len(points)]))
    return area(points, found.faces), found


def around(radii: Sequence[float] | NDArray) -> NDArray:
    angles = np.arange(len(radii)) * 2 * np.pi / len(radii)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1) * np.array(radii)[:, None]


KEYHOLE = [(0, 0), (30, 0), (30, 25), (0, 25), (0, 0), (10, 10), (10, 14), (20, 14), (20, 10), (10, 10)]
TWO_WINDOWS = [
    (0, 0),
    (10, 0),
    (10, 10),
    (0, 10),
    (0, 0),
    (1, 1),
    (1, 3),
    (3, 3),
    (3, 1),
    (6, 6),
    (6, 8),
    (8, 8),
    (8, 6),
]
TWO_WINDOWS += [(6, 6), (3, 1), (1, 1)]
EARS: dict[str, tuple[Any, Any]] = {
    "arrow": ([(1, 1), (0, 0.3), (-1, 1), (0, 0)], 0.3),
    "l": ([(2, 1), (1, 1), (1, 2), (0, 2), (0, 0), (2, 0)], 3),
    "star": (around([1, 0.3] * 10), shoelace(around([1, 0.3] * 10))),
    "wall with a window": (KEYHOLE, 30 * 25 - 10 * 4),
    "wall with two windows": (TWO_WINDOWS, 100 - 4 - 4),
    "spike": ([(0, 0), (1, 0), (1, 1), (1, 2), (1, 1), (0, 1)], 1),
    "comb": ([(0, 0), *((x, y) for x in range(32) for y in ((1, 9) if x % 2 else (9, 1))), (31, 0)], None),
}
WHOLE: dict[str, tuple[Any, float]] = {
    "square": ([(0, 0), (1, 0), (1, 1), (0, 1)], 1),
    "arrow from its tip": ([(0, 0), (1, 1), (0, 0.3), (-1, 1)], 0.3),
    "repeated corners": ([(0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (0, 1), (0, 1)], 1),
    "corners in a row": ([(0, 0), (1, 0), (2, 0), (2, 2), (1, 2), (0, 2)], 4),
    "no area": ([(0, 0), (1, 0), (2, 0), (3, 0), (1.5, 0)], 0),
    "one place": ([(1, 1)] * 5, 0),
    "hexagon": (around([1] * 6), 1.5 * 3**0.5),
}


@pytest.mark.parametrize("name", EARS)
def test_what_is_not_convex_is_cut_by_its_ears(name: str) -> None:
    outline, expected = EARS[name]
    points = np.array(outline, dtype=np.float64)
    found_area, found = cut(outline)
    assert found_area == pytest.approx(shoelace(points) if expected is None else expected, rel=1e-9)
    assert found.notes == {"ear_polygons": 1}
    first, second, third = points[found.faces.T].transpose(0, 2, 1)
    turns = (second - first)[0] * (third - first)[1] - (second - first)[1] * (third - first)[0]
    x, y = points.T
    side = np.sign((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    assert (turns * side >= 0).all()  # they face where the polygon does


@pytest.mark.parametrize("name", WHOLE)
def test_what_a_fan_covers_stays_a_fan(name: str) -> None:
    outline, expected = WHOLE[name]
    found_area, found = cut(outline)
    assert found_area == pytest.approx(expected, abs=1e-12)
    assert found.notes == {}
    assert found.faces.tolist() == fans(np.arange(len(outline)), np.array([len(outline)])).tolist()


@pytest.mark.parametrize(
    "outline",
    [
        [(0, 0), (1, 1), (1, 0), (0, 1)],
        [(0, 0), (2, 1), (2, 0), (0, 1.5)],
        around([1] * 5)[[0, 2, 4, 1, 3]].tolist(),
    ],
)
def test_what_crosses_itself_is_counted_or_refused(outline: list[tuple[float, float]]) -> None:
    found = cut(outline)[1]
    assert found.notes == {"crossed_polygons": 1}
    assert found.unsure > 0.1
    points = np.pad(np.array(outline), ((0, 0), (0, 1)))
    with pytest.raises(
        DataError, match=r"a\.ply has 1 polygons that cross themselves, which leaves .*% of its surface"
    ):
        from_polygons(Path("a.ply"), points, np.arange(len(points)), np.array([len(points)]))
    large = np.concatenate([points, 100 * np.eye(3)])
    corners = np.arange(len(large))
    assert from_polygons(Path("a.ply"), large, corners, np.array([len(points), 3])).notes == {"crossed_polygons": 1}


def test_random_outlines_in_random_planes() -> None:
    generator = np.random.default_rng(0)
    vertices, counts, areas = [np.zeros((0, 3))], [], []
    for size in range(4, 40):
        for scale in (1e-3, 1.0, 1e4):
            plane = around(0.05 + generator.random(size))
            turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
            points = np.roll(np.pad(plane, ((0, 0), (0, 1))), generator.integers(size), axis=0) @ turn * scale
            vertices.append((points + generator.normal(size=3) * scale).astype(np.float32).astype(np.float64))
            counts.append(size)
            areas.append(shoelace(plane) * scale**2)
    places = np.concatenate(vertices)
    found = triangles(places, np.arange(len(places)), np.array(counts))
    owner = np.searchsorted(np.cumsum(counts), found.faces[:, 0], side="right")
    assert (np.diff(owner) >= 0).all()
    each = [area(places, found.faces[owner == number]) for number in range(len(counts))]
    assert np.allclose(each, areas, rtol=1e-4)
    assert set(found.notes) == {"ear_polygons"}


def test_what_is_not_flat_is_counted() -> None:
    lifted = [(0, 0, 0), (1, 0, 0.5), (1, 1, 0), (0, 1, 0.5)]
    assert cut(lifted)[1].notes == {"bent_polygons": 1}
    assert cut([(0, 0, 0), (1, 0, 0.01), (1, 1, 0), (0, 1, 0)])[1].notes == {}
    corner = [(*place, 0.4 * place[0]) for place in [(2, 1), (1, 1), (1, 2), (0, 2), (0, 0), (2, 0)]]
    assert cut(corner)[0] == pytest.approx(3 * np.sqrt(1 + 0.4**2))


def test_corners_that_are_not_there_are_left_to_the_check() -> None:
    outline = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, np.nan]])
    assert triangles(outline, np.arange(4), np.array([4])).faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert triangles(outline, np.array([0, 1, 2, 7]), np.array([4])).faces.max() == 7
    assert triangles(outline[:0], np.arange(4), np.array([4])).faces.max() == 3


def test_without_earcut(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "mapbox_earcut":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert cut(EARS["arrow"][0])[1].notes == {"ear_polygons": 1}
    with pytest.raises(DataError, match="pip install mapbox-earcut"):
        cut(EARS["star"][0])


@pytest.mark.parametrize(("name", "expected"), [("star.obj", 0.927051), ("l_shape.obj", 3)])
@pytest.mark.parametrize("suffix", [".obj", ".off", ".ply"])
def test_every_format_covers_the_polygon_and_no_more(name: str, expected: float, suffix: str, tmp_path: Path) -> None:
    lines = (CASES / name).read_text().splitlines()
    rows = [line[2:] for line in lines if line.startswith("v")]
    face = " ".join(map(str, [len(rows), *range(len(rows))]))
    head = f"ply\nformat ascii 1.0\nelement vertex {len(rows)}\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header"
    texts = {".obj": lines, ".off": [f"OFF {len(rows)} 1 0", *rows, face], ".ply": [head, *rows, face]}
    (tmp_path / f"a{suffix}").write_text("\n".join(texts[suffix]) + "\n")
    mesh = read_mesh(tmp_path / f"a{suffix}")
    assert mesh.areas.sum() == pytest.approx(expected, rel=1e-5)
    assert mesh.notes == {"ear_polygons": 1}
