"""Every element is a surface around the origin, about as large as the unit cube."""

import numpy as np
import pytest

from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.synthetic.compositions.elements import ELEMENTS, Draw, draw_element
from randquant.data_prep.synthetic.solids.families import numpy_generator


@pytest.mark.parametrize("draw", ELEMENTS, ids=lambda draw: draw.__name__)
def test_every_draw_is_a_surface_about_as_large_as_the_unit_cube(draw: Draw) -> None:
    for number in range(20):
        solid = draw(numpy_generator(0, draw.__name__, number))
        mesh = Mesh(solid.vertices, solid.triangles())
        assert np.isfinite(mesh.vertices).all()
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        assert mesh.areas.sum() > 0.01
        assert 0.4 < np.ptp(mesh.vertices, axis=0).max() < 6
        assert (np.abs(mesh.vertices).max(axis=0) < 6).all()


def test_every_element_is_drawn() -> None:
    generator = numpy_generator(0)
    faces = {tuple(sorted(part.shape[1] for part in draw_element(generator).faces)) for _ in range(60)}
    assert len(faces) > 2
