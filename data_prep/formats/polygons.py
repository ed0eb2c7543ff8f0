"""Polygons as triangles."""

import numpy as np
from numpy.typing import NDArray

from data_prep.formats.ragged import places_within


def fans(corners: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles that all start at the first corner of their polygon, in the order of the polygons.

    That covers a convex polygon as it is; of another one the area outside is covered too.

    Args:
        corners: (sum of counts,) indices of vertices, polygon after polygon.
        counts: (P,) corners of each; fewer than three make no triangle.

    Returns:
        (F, 3), a polygon of n corners giving n - 2.

    >>> fans(np.array([4, 5, 6, 7, 0, 1, 2]), np.array([4, 3])).tolist()
    [[4, 5, 6], [4, 6, 7], [0, 1, 2]]
    """
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(np.cumsum(counts) - counts, triangles)
    middle = first + places_within(triangles) + 1
    return np.stack([corners[first], corners[middle], corners[middle + 1]], axis=-1)
