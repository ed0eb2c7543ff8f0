"""Polygons as triangles, against one polygon at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.formats.polygons import fans


@given(st.lists(st.lists(st.integers(0, 99), max_size=7), max_size=12))
def test_one_polygon_at_a_time(polygons: list[list[int]]) -> None:
    corners = np.array([corner for polygon in polygons for corner in polygon], dtype=np.int64)
    found = fans(corners, np.array([len(polygon) for polygon in polygons], dtype=np.int64))
    slow = [[polygon[0], *polygon[at : at + 2]] for polygon in polygons for at in range(1, len(polygon) - 1)]
    assert found.tolist() == slow
    assert found.shape == (len(slow), 3)
