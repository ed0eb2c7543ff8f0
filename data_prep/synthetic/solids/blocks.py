"""Hexahedra: boxes, and boxes whose ends differ in size or are shifted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from data_prep.synthetic.solids.solid import Points, Solid, capped, strips


def block(bottom: ArrayLike, top: ArrayLike) -> Solid:
    """A hexahedron between two quadrilaterals (4, 3), each counter-clockwise as seen from above."""
    return capped(strips([np.asarray(bottom, dtype=np.float64), np.asarray(top, dtype=np.float64)]), 4)


def box(centre: Sequence[float], size: Sequence[float]) -> Solid:
    """An axis-aligned box; `size` is its extent along x, y and z."""
    base = rectangle(size[0], size[1]) + np.asarray(centre)
    half = np.array([0, 0, size[2] / 2])
    return block(base - half, base + half)


def leaning(bottom: Sequence[float], top: Sequence[float], foot: Sequence[float], head: Sequence[float]) -> Solid:
    """A slanted box from centre `bottom` to centre `top`, as wide and deep as `foot` and `head`; ends are level."""
    return block(rectangle(*foot) + np.asarray(bottom), rectangle(*head) + np.asarray(top))


def rectangle(width: float, depth: float) -> Points:
    """(4, 3) corners around the origin, in the plane z = 0, counter-clockwise."""
    x, y = width / 2, depth / 2
    return np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])
