"""What is seen of a shape on a page."""

import numpy as np

from randquant.pointcloud.excerpt import on_grid


def test_a_shape_fills_the_grid_and_keeps_its_proportions() -> None:
    points = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32) * [1.0, 2.0, 4.0] + 7.0
    found = on_grid(points.astype(np.float32)).astype(float)
    assert found[:, 2].min() == 0
    assert found[:, 2].max() == 255
    spread, expected = np.ptp(found, axis=0), np.ptp(points, axis=0)
    assert np.allclose(spread / spread[2], expected / expected[2], atol=0.01)
    assert np.abs(found.min(axis=0) + found.max(axis=0) - 255).max() <= 1  # the others are centred


def test_a_single_place_is_no_division_by_zero() -> None:
    assert (on_grid(np.ones((4, 3), dtype=np.float32)) == 128).all()
