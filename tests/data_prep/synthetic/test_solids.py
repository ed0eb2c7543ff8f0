"""Surfaces are closed and face outwards, and every family draws shapes that a mesh can be made of."""

import numpy as np
import pytest

from randquant.data_prep.datasets.modelnet import MODELNET40
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.synthetic.solids.families import FAMILIES, draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.round import cylinder, lathe, revolution, ring, tube
from randquant.data_prep.synthetic.solids.solid import Solid, block, box, joined, leaning, rectangle

BALL = np.column_stack([np.sin(np.linspace(0, np.pi, 12)), -np.cos(np.linspace(0, np.pi, 12))])
BALL[[0, -1], 0] = 0


def volume(solid: Solid) -> float:
    """By the divergence theorem; right for a closed surface that faces outwards, wherever it lies."""
    corners = solid.vertices[solid.triangles()]
    return float(np.linalg.det(corners).sum() / 6)


def is_closed(solid: Solid) -> bool:
    """Every edge is passed once in each direction."""
    triangles = solid.triangles()
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    there = {tuple(edge) for edge in edges.tolist()}
    return len(there) == len(edges) and all((end, start) in there for start, end in there)


@pytest.mark.parametrize(
    ("solid", "expected"),
    [
        (box((1, 2, 3), (2, 3, 4)), 24.0),
        (leaning((0, 0, 0), (5, 0, 3), (1, 1), (1, 1)), 3.0),
        (block(rectangle(2, 2), rectangle(1, 1) + np.array([0, 0, 3])), 7.0),
        (cylinder(1.0, 0.0, 2.0, sides=200), 2 * np.pi),
        (cylinder(1.0, 0.0, 3.0, top=0.5, sides=200), np.pi * 1.75),
        (revolution(BALL, 40), 4.0),
        (revolution([(0, 0), (2, 0), (2, 1), (1, 1), (1, 0.5), (0, 0.5)], 200), np.pi * 3.5),
        (tube([(0, 0, 0), (0, 0, 1), (0, 0, 4)], 1.0, sides=200), 4 * np.pi),
        (tube([(1, 1, 1), (4, 1, 1)], (2.0, 1.0), sides=200), 7 * np.pi),
        (ring(3.0, 0.5, height=7.0, sides=200), 2 * np.pi * 3 * 4 * 0.125 * np.sqrt(2)),
    ],
)
def test_solids_are_closed_face_outwards_and_have_their_volume(solid: Solid, expected: float) -> None:
    assert is_closed(solid)
    assert volume(solid) == pytest.approx(expected, rel=0.03)


def test_moves_keep_the_volume_and_the_outside() -> None:
    solid = leaning((0, 0, 0), (1, 2, 3), (1, 2), (2, 1))
    for other in (solid.translated((3, -4, 5)), solid.rotated(1.0), *(solid.mirrored(axis) for axis in range(3))):
        assert is_closed(other)
        assert volume(other) == pytest.approx(volume(solid))
    assert volume(solid.scaled(2.0)) == pytest.approx(8 * volume(solid))
    assert volume(joined([solid, solid.translated((9, 9, 9))])) == pytest.approx(2 * volume(solid))
    quarter = Solid(np.eye(3), ()).rotated(np.pi / 2).vertices
    np.testing.assert_allclose(quarter, [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-12)


def test_a_lathe_goes_through_its_points() -> None:
    points = [(0.5, 0.0), (0.2, 1.0), (0.7, 2.0)]
    curve = lathe(points, 9)
    np.testing.assert_allclose(curve[[0, 4, 8]], points)
    assert (lathe([(0.5, 0.0), (0.0, 1.0), (0.5, 2.0)], 50) >= 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_draw_is_a_mesh(family: str) -> None:
    for number in range(25):
        parts = FAMILIES[family](numpy_generator(0, family, number))
        assert len(parts) <= 5
        for name, solid in parts.items():
            mesh = Mesh(solid.vertices, solid.triangles())
            assert np.isfinite(mesh.vertices).all()
            assert (mesh.areas > 1e-12).all(), name
            assert volume(solid) > 0, name
        whole = joined(parts.values())
        assert len(whole.triangles()) < 2000
        assert np.unique(whole.triangles()).tolist() == list(range(len(whole.vertices)))
        assert np.ptp(whole.vertices[:, 2]) > 0.05 * np.ptp(whole.vertices)


def test_families_are_some_of_modelnets_classes() -> None:
    assert list(FAMILIES) == sorted(FAMILIES)
    assert set(FAMILIES) < set(MODELNET40)


def test_draws_differ_and_can_be_repeated() -> None:
    first, again, other = (
        joined(draw_shape("chair", generator=numpy_generator(*key)).values()) for key in ((0, 1), (0, 1), (0, 2))
    )
    np.testing.assert_array_equal(first.vertices, again.vertices)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(first.vertices, other.vertices)
    sizes = [np.ptp(joined(draw_shape("vase", generator=numpy_generator(0, n)).values()).vertices) for n in range(50)]
    assert max(sizes) / min(sizes) > 100, "files have no common unit"
    with pytest.raises(KeyError):
        draw_shape("sofa", generator=numpy_generator(0))
