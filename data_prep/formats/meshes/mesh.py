"""A triangle mesh: made from polygons, checked, measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.polygons import cross, length, triangles
from randquant.errors import DataError

_SMALLEST, _LARGEST = 1e-60, 1e60  # squared areas of anything in between are numbers
_UNSURE = 0.01  # share of a surface that may be guessed


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh; what `checked` says of it holds for those of `read_mesh`, and not yet for those of one format.

    Attributes:
        vertices: (V, 3) float64 coordinates, all finite where checked; some may belong to no face.
        faces: (F, 3) int64 indices of vertices; where checked, they are there and one face or more has an area.
        notes: how much of what was odd in the file, by the names of `randquant.data_prep.notes.READING`.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    notes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def doubled_normals(self) -> NDArray[np.float64]:
        """(F, 3): normal to each face, twice its area long; its corners are counter-clockwise around it."""
        first, second, third = (self.vertices[corner].T for corner in self.faces.T)
        return np.ascontiguousarray(cross(second - first, third - first).T)

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """(F,) area of each face, in squared units of the coordinates."""
        return length(self.doubled_normals.T) / 2


def from_polygons(
    path: Path, vertices: NDArray[np.float64], corners: NDArray[np.int64], counts: NDArray[np.int64]
) -> Mesh:
    """Triangulate polygons.

    Args:
        path: for the error message.
        vertices, corners, counts: as in `randquant.data_prep.formats.meshes.polygons.triangles`.

    Raises:
        DataError: polygons cross themselves, and more than a hundredth of the surface is not known.
    """
    cut = triangles(vertices, corners, counts)
    mesh = Mesh(vertices, cut.faces, cut.notes)
    if cut.unsure:
        whole = mesh.areas.sum()
        if cut.unsure > _UNSURE * whole:
            raise DataError(
                f"{path} has {cut.notes['crossed_polygons']:,} polygons that cross themselves, which leaves "
                f"{cut.unsure / whole:.0%} of its surface unknown; fix them or export triangles."
            )
    return mesh


def checked(mesh: Mesh, path: Path) -> Mesh:
    """Return the mesh if it has a surface.

    Raises:
        DataError: it has no faces, coordinates that are not numbers, indices of vertices that are not there, or no face
            with an area.
    """
    if not len(mesh.faces):
        raise DataError(
            f"{path} has no faces that can be read, so no surface; restore it if it is truncated, export it with "
            "faces, or read it as a point cloud (prepare clouds, embed --clouds)."
        )
    if not np.isfinite(mesh.vertices).all():
        raise DataError(f"{path} has a vertex whose coordinates are not finite; fix it or leave it out.")
    if not len(mesh.vertices):
        raise DataError(f"{path} has faces and no vertices; restore it or leave it out.")
    least, most = mesh.faces.min(), mesh.faces.max()
    if least < 0 or most >= len(mesh.vertices):
        raise DataError(
            f"{path} has a face with vertex {least if least < 0 else most} where vertices count from 0 to "
            f"{len(mesh.vertices) - 1}; fix it or leave it out."
        )
    extent = float(np.ptp(mesh.vertices, axis=0).max())
    if not extent:
        raise DataError(f"{path}: all vertices lie in one place; leave the file out.")
    if not _SMALLEST < extent < _LARGEST:
        raise DataError(f"{path} is {extent:g} wide and cannot be measured; scale its coordinates or leave it out.")
    if not mesh.areas.any():
        raise DataError(f"{path} has faces, but none with an area; fix it or leave it out.")
    return mesh
