"""A surface of polygons, moved and put together, and the hexahedra that most solids are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from randquant.data_prep.formats.meshes.polygons import fans

Points = NDArray[np.float64]
Faces = NDArray[np.int64]


@dataclass(frozen=True)
class Solid:
    """A surface of polygons; seen from outside, corners are counter-clockwise.

    Attributes:
        vertices: (V, 3) coordinates, z up.
        faces: arrays (F, k) of indices, each of polygons with k corners.
    """

    vertices: Points
    faces: tuple[Faces, ...]

    def translated(self, offset: ArrayLike) -> "Solid":
        """Translated by (x, y, z)."""
        return Solid(self.vertices + np.asarray(offset, dtype=np.float64), self.faces)

    def rotated(self, angle: float) -> "Solid":
        """Rotated counter-clockwise about z by an angle in radians."""
        cosine, sine = np.cos(angle), np.sin(angle)
        return Solid(self.vertices @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]), self.faces)

    def scaled(self, factor: float) -> "Solid":
        """Scaled by a factor above 0."""
        return Solid(self.vertices * factor, self.faces)

    def mirrored(self, axis: int) -> "Solid":
        """Reflected at the plane where coordinate `axis` is 0; faces keep facing outwards."""
        signs = np.where(np.arange(3) == axis, -1.0, 1.0)
        return Solid(self.vertices * signs, tuple(faces[:, ::-1] for faces in self.faces))

    def triangles(self) -> Faces:
        """(F, 3): every polygon as a fan from its first corner."""
        return np.concatenate([fans(faces.ravel(), np.full(len(faces), faces.shape[1])) for faces in self.faces])


Parts = Mapping[str, Solid]  # a thing, by the names of its parts


def joined(solids: Iterable[Solid]) -> Solid:
    """Several surfaces as one, polygons of equal corners in one array."""
    vertices: list[Points] = []
    faces: dict[int, list[Faces]] = {}
    start = 0
    for solid in solids:
        vertices.append(solid.vertices)
        for polygons in solid.faces:
            faces.setdefault(polygons.shape[1], []).append(polygons + start)
        start += len(solid.vertices)
    return Solid(np.concatenate(vertices), tuple(np.concatenate(faces[corners]) for corners in sorted(faces)))


def strips(rings: Sequence[Points], *, closed: bool = False) -> Solid:
    """The surface between rings of equally many points that follow each other; open at both ends.

    Args:
        rings: arrays (S, 3); the surface faces outwards where a ring is counter-clockwise about the way to the next.
        closed: whether the last ring is joined to the first.
    """
    count, sides = len(rings), len(rings[0])
    here = np.arange(count if closed else count - 1)[:, None] * sides
    there = (here + sides) % (count * sides)
    left, right = np.arange(sides), (np.arange(sides) + 1) % sides
    quads = np.stack([here + left, here + right, there + right, there + left], axis=-1)
    return Solid(np.concatenate(rings), (quads.reshape(-1, 4).astype(np.int64),))


def capped(tube: Solid, sides: int) -> Solid:
    """An open tube of rings of `sides` points, closed by a polygon at each end."""
    first = np.arange(sides, dtype=np.int64)
    ends = np.stack([first[::-1], first + len(tube.vertices) - sides])
    same = [faces for faces in tube.faces if faces.shape[1] == sides]
    others = [faces for faces in tube.faces if faces.shape[1] != sides]
    return Solid(tube.vertices, (*others, np.concatenate([*same, ends])))


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
