"""Triangulation of polygons, convex or not.

Most polygons of a file are convex, or at least seen whole from their first corner, and become fans: that is checked for
all polygons of one size at once. Quadrilaterals that are not are cut along their other diagonal, larger polygons by ear
clipping in their best plane, which is that of the normal of Newell (Sutherland, Sproull & Schumacker 1974). Holes come
as keyholes, polygons that touch themselves along an edge. The area of the triangles is checked against that of the
polygon; where it differs, the polygon crosses itself and its surface is not known.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

Points = NDArray[np.float64]
Indices = NDArray[np.int64]

_NOISE = 1e-7  # of the squared width of a polygon: areas that rounded coordinates make
_MISFIT = 1e-5  # by which equal areas may differ, relative to the larger
_BENT = 0.05  # height of a polygon above its best plane, relative to its width, from which it is no longer flat


@dataclass(frozen=True)
class Cut:
    """Polygons as triangles."""

    faces: Indices  # (F, 3) indices of vertices, in the order of the polygons
    notes: Mapping[
        str, int
    ]  # polygons that are odd, by the names of `randquant.data_prep.notes.READING`; only those there are
    unsure: float = 0.0  # area by which triangles of polygons that cross themselves miss what their outline encloses


def triangles(vertices: Points, corners: Indices, counts: Indices) -> Cut:
    """Triangulate polygons.

    A polygon without an area gives triangles without one. One with a corner that is not a vertex, or that has no finite
    coordinates, becomes a fan: whoever checks the mesh refuses it.

    Args:
        vertices: (V, 3) coordinates.
        corners: (sum of counts,) indices of vertices, polygon after polygon.
        counts: (P,) corners of each; fewer than three make no triangle.

    Raises:
        DataError: there are polygons to be cut by ears and mapbox_earcut is not installed.
    """
    faces = fans(corners, counts)
    kept = np.ones(len(faces), dtype=bool)
    tally, unsure = Counter(short_faces=int((counts < 3).sum())), 0.0
    if (counts > 3).any() and _are_there(vertices, corners):
        starts, slots = np.cumsum(counts) - counts, np.maximum(counts - 2, 0)
        firsts = np.cumsum(slots) - slots
        for size in np.unique(counts[counts > 3]).tolist():
            some = np.flatnonzero(counts == size)
            group = _Group(vertices, corners[starts[some] + np.arange(size)[:, None]])
            rows, found, missed = group.cut()
            places = firsts[some[rows]][:, None] + np.arange(size - 2)
            faces[places], kept[places] = found, (found >= 0).all(axis=2)
            unsure += float(missed.sum())
            crossed = int((missed > 0).sum())
            tally.update(ear_polygons=len(missed) - crossed, crossed_polygons=crossed, bent_polygons=group.bent())
    return Cut(faces[kept], dict(+tally), unsure)


def fans(corners: Indices, counts: Indices) -> Indices:
    """Fan triangulation from the first vertex of each polygon, in the order of the polygons.

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


def places_within(counts: Indices) -> Indices:
    """The position of each element in its run, from 0: (sum of counts,).

    >>> places_within(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def strip_triangles(corners: Indices, counts: Indices) -> Indices:
    """Triangles of strips: each vertex from the third on forms one with the two before it, with alternating winding.

    >>> strip_triangles(np.array([4, 5, 6, 7]), np.array([4])).tolist()
    [[4, 5, 6], [7, 6, 5]]
    """
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(np.cumsum(counts) - counts, triangles) + places_within(triangles)
    odd = places_within(triangles) % 2
    return np.stack([corners[first + 2 * odd], corners[first + 1], corners[first + 2 - 2 * odd]], axis=-1)


def _are_there(vertices: Points, corners: Indices) -> bool:
    """Whether all corners are existing vertices with finite coordinates whose squares are finite."""
    if not len(vertices) or corners.min() < 0 or corners.max() >= len(vertices):
        return False
    return bool((np.abs(vertices) < 1e60).all())


class _Group:
    """P polygons of n corners each, given as (n, P) indices of the (V, 3) vertices."""

    def __init__(self, vertices: Points, indices: Indices) -> None:
        self.indices = indices
        places = np.ascontiguousarray(vertices.T)[:, indices]
        self.edges = places[:, 1:] - places[:, :1]  # (3, n - 1, P), from the first corner to each other one
        self.noise = _NOISE * np.square(np.abs(self.edges).max(axis=(0, 1)))
        self.crosses = cross(self.edges[:, :-1], self.edges[:, 1:])  # (3, n - 2, P), twice the triangles of the fan
        self.sizes = length(self.crosses)
        self.normals = self.crosses.sum(axis=1)  # (3, P) of Newell, twice the area long
        self.lengths = length(self.normals)
        self.units = self.normals / np.where(self.lengths > 0, self.lengths, 1)

    def bent(self) -> int:
        """The number of polygons that are not planar."""
        height = np.abs(np.einsum("inp,ip->np", self.edges, self.units)).max(axis=0)
        return int(((np.square(height) > _BENT**2 / _NOISE * self.noise) & (self.lengths > self.noise)).sum())

    def cut(self) -> tuple[Indices, Indices, Points]:
        """Retriangulate the polygons that a fan does not cover exactly.

        Returns:
            which they are (R,), their triangles (R, n - 2, 3), -1 where fewer will do, and the area by which these
            miss the polygon (R,), 0 where they cover it; what misses it least where nothing does.
        """
        rows = np.flatnonzero(~self._are_fans())
        corners, areas = self._other_diagonals(rows) if len(self.indices) == 4 else self._ears(rows)
        lengths, folded = self.lengths[rows], self._folded()[rows]
        missed, missed_by_fan = np.abs(np.abs(areas).sum(axis=1) - lengths), self.sizes[:, rows].sum(axis=0) - lengths
        missed[~folded & (missed <= np.maximum(_MISFIT * lengths, self.noise[rows]))] = 0
        corners[areas < 0] = corners[areas < 0][:, ::-1]
        middle = np.arange(1, len(self.indices) - 1)
        as_fan = folded | (missed_by_fan < missed)
        corners[as_fan] = np.stack([0 * middle, middle, middle + 1], axis=-1)
        missed = np.where(as_fan, missed_by_fan, missed) / 2
        return rows, np.where(corners < 0, -1, self.indices[corners, rows[:, None, None]]), missed

    def _are_fans(self) -> NDArray[np.bool_]:
        """(P,) which are star-shaped from their first corner: no fan triangle is flipped, and they wind once."""
        heights = np.einsum("inp,ip->np", self.crosses, self.units)
        turned = -np.minimum(heights, 0).sum(axis=0)
        whole = (turned <= np.maximum(_MISFIT * self.sizes.sum(axis=0), self.noise)) & ~self._folded()
        if len(self.indices) > 4:
            angles = np.arctan2(self.sizes, (self.edges[:, :-1] * self.edges[:, 1:]).sum(axis=0)).sum(axis=0)
            whole &= (angles < 2 * np.pi) & self.edges[:, 1:-1].any(axis=0).all(axis=0)
        return whole | (self.sizes.sum(axis=0) <= self.noise)

    def _folded(self) -> NDArray[np.bool_]:
        """(P,) whose edges cancel out, so that they have an area but no plane."""
        return self.lengths <= np.maximum(_MISFIT * self.sizes.sum(axis=0), self.noise)

    def _other_diagonals(self, rows: Indices) -> tuple[Indices, Points]:
        """Quadrilaterals split along the other diagonal, and twice the areas (R, 2) of the halves."""
        corners = np.tile(np.array([[1, 2, 3], [1, 3, 0]], dtype=np.int64), (len(rows), 1, 1))
        one, two, three = (self.edges[:, corner, rows] for corner in range(3))
        halves = np.stack([cross(two - one, three - one), cross(one, three)])
        return corners, np.einsum("hir,ir->rh", halves, self.units[:, rows])

    def _ears(self, rows: Indices) -> tuple[Indices, Points]:
        """Ear-clipping triangles of larger polygons, padded with -1, and twice their areas (R, n - 2)."""
        corners = np.full((len(rows), len(self.indices) - 2, 3), -1, dtype=np.int64)
        areas = np.zeros(corners.shape[:2])
        for place, row in enumerate(rows.tolist()):
            plane = _in_plane(self.edges[:, :, row].T, self.units[:, row])
            found = _earcut(plane)[: corners.shape[1]]
            (ax, ay), (bx, by) = (plane[found[:, 1:]] - plane[found[:, :1]]).transpose(1, 2, 0)
            corners[place, : len(found)], areas[place, : len(found)] = found, ax * by - ay * bx
        return corners, areas


def cross(one: Points, other: Points) -> Points:
    """Cross products (3, …) along the first axis."""
    (ax, ay, az), (bx, by, bz) = one, other
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def length(vectors: Points) -> Points:
    """Lengths of vectors (3, …) along the first axis."""
    x, y, z = vectors
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def _in_plane(edges: Points, normal: Points) -> Points:
    """(n, 2) corners as seen along a normal, the first of them in the origin, counter-clockwise."""
    across = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    across /= np.linalg.norm(across) or 1
    points = np.concatenate([np.zeros((1, 3)), edges])
    return np.stack([points @ across, points @ np.cross(normal, across)], axis=-1)


def _earcut(plane: Points) -> Indices:
    """(F, 3) corners of the triangles of a polygon in the plane."""
    try:
        import mapbox_earcut
    except (ImportError, OSError):
        raise DataError("polygons that are not convex need mapbox_earcut; pip install mapbox-earcut.") from None
    found = mapbox_earcut.triangulate_float64(plane, np.array([len(plane)], dtype=np.uint32))
    return found.astype(np.int64).reshape(-1, 3)
