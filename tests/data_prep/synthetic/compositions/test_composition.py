"""Made-up shapes have a surface, differ, and are determined by their draw."""

import numpy as np
import pytest

from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.synthetic.compositions.composition import Copies, copies, draw_composition
from randquant.data_prep.synthetic.solids.families import numpy_generator
from randquant.data_prep.synthetic.solids.solid import box

PART = box((1, 2, 3), (0.5, 0.5, 1))


def test_every_draw_is_a_surface() -> None:
    for number in range(60):
        solid = draw_composition(numpy_generator(0, number))
        mesh = Mesh(solid.vertices, solid.triangles())
        assert np.isfinite(mesh.vertices).all()
        assert mesh.areas.sum() > 1e-3
        assert len(mesh.faces) < 60_000
        assert 0.5 < np.ptp(mesh.vertices, axis=0).max() < 50


def test_a_draw_can_be_repeated_and_others_differ() -> None:
    first, again, other = (draw_composition(numpy_generator(*key)).vertices for key in ((0, 1), (0, 1), (0, 2)))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other)


@pytest.mark.parametrize(("kind", "axes"), [("mirrored", (0,)), ("across", (1,)), ("four", (0, 1))])
def test_mirrored_copies_make_it_symmetric(kind: Copies, axes: tuple[int, ...]) -> None:
    whole = np.concatenate([solid.vertices for solid in copies(numpy_generator(0), PART, kind)])
    for axis in axes:
        mirrored = whole * np.where(np.arange(3) == axis, -1, 1)
        assert sorted(map(tuple, mirrored.round(9))) == sorted(map(tuple, whole.round(9)))


def test_copies_in_a_circle_come_round() -> None:
    solids = copies(numpy_generator(0), PART, "circle")
    whole = np.concatenate([solid.vertices for solid in solids])
    angle = 2 * np.pi / len(solids)
    turned = np.concatenate([solid.rotated(angle).vertices for solid in solids])
    assert sorted(map(tuple, turned.round(6) + 0.0)) == sorted(map(tuple, whole.round(6) + 0.0))
    assert copies(numpy_generator(0), PART, "alone") == [PART]
    assert 2 <= len(copies(numpy_generator(0), PART, "row")) <= 4
