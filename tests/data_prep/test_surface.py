"""Points of a surface lie on it, everywhere equally dense, and are always the same."""

from typing import Any

import numpy as np
import pytest

from randquant.data_prep import surface
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.surface import SAMPLINGS, Sampling, sample_surface, surface_seed
from tests.data_prep.formats.meshes.test_mesh import BOX

# Faces of area 3/2, 0 and 1/2, and one vertex that belongs to none.
VERTICES = np.array([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1], [9, 9, 9]], dtype=np.float64)
BENT = Mesh(VERTICES, np.array([[0, 1, 2], [0, 1, 1], [0, 2, 3]]))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_points_lie_on_their_faces(sampling: Sampling) -> None:
    if sampling == "poisson":
        pytest.importorskip("open3d")
    points, normals = sample_surface(BENT, 500, sampling=sampling)
    assert points.shape == normals.shape == (500, 3)
    flat = normals[:, 2] == 1
    assert (points[flat, 2] == 0).all()
    assert (normals[~flat] == [1, 0, 0]).all()
    assert (points[~flat, 0] == 0).all()
    assert (points >= 0).all()
    assert (points @ [1 / 3, 1, 1] <= 1 + 1e-12).all()


def test_equal_areas_get_equally_many() -> None:
    points, normals = sample_surface(BENT, 40_000)
    on_first = normals[:, 2] == 1
    assert abs(on_first.mean() - 0.75) < 0.01
    # Halving the triangle through the middles of two sides leaves a quarter at the corner.
    assert abs((points[on_first, 0] > 1.5).mean() - 0.25) < 0.01
    assert abs((points[on_first, 1] > 0.5).mean() - 0.25) < 0.01
    assert np.allclose(points[on_first].mean(axis=0), [1, 1 / 3, 0], atol=0.02)


def test_normals_point_out_of_a_box() -> None:
    points, normals = sample_surface(BOX, 300)
    assert ((points - [0.5, 1, 1.5]) * normals).sum(axis=1).min() > 0
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_surface_and_the_seed_decide_alone(sampling: Sampling) -> None:
    if sampling == "poisson":
        pytest.importorskip("open3d")
    first = sample_surface(BOX, 64, sampling=sampling)[0]
    np.random.default_rng().random()
    copy = Mesh(np.asfortranarray(BOX.vertices), BOX.faces.copy())
    assert np.array_equal(sample_surface(copy, 64, sampling=sampling)[0], first)
    assert not np.isin(sample_surface(BOX, 64, sampling=sampling, seed=1)[0], first).all(axis=1).any()


def test_the_seed_is_that_of_every_coordinate_and_index() -> None:
    seeds = {surface_seed(BOX, 0), surface_seed(BOX, 1), surface_seed(Mesh(BOX.vertices, BOX.faces[::-1]), 0)}
    moved = BOX.vertices.copy()
    moved[7, 2] = np.nextafter(3, 4)
    assert len(seeds | {surface_seed(Mesh(moved, BOX.faces), 0)}) == 4


def test_poisson_disk_is_more_even() -> None:
    pytest.importorskip("open3d")

    def closest(sampling: Sampling) -> float:
        points, _ = sample_surface(BOX, 400, sampling=sampling)
        distances = np.linalg.norm(points[:, None] - points, axis=-1)
        return float((distances + 9 * np.eye(400)).min())

    assert closest("poisson") > 5 * closest("area")


def test_no_random_number_falls_off_the_surface() -> None:
    """The last face has no area, and the draw is as close to one as it can be."""

    class Last(np.random.Generator):
        def random(self, size: Any = None, *_: Any) -> Any:  # type: ignore[override]
            return np.full(size, np.nextafter(1, 0))

    mesh = Mesh(VERTICES, np.array([[0, 1, 2], [0, 2, 3], [1, 1, 1]]))
    points, normals = surface._by_area(mesh, 3, Last(np.random.PCG64(0)))
    assert (normals == [1, 0, 0]).all()
    assert np.isfinite(points).all()


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sample_surface(BOX, 0)
    with pytest.raises(ValueError, match="area or poisson"):
        sample_surface(BOX, 1, sampling="even")  # type: ignore[arg-type]
