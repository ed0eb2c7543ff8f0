"""Triangle meshes from files, by our own readers, since every library misreads some real files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.formats.meshes.gltf import read_gltf
from data_prep.formats.meshes.obj import read_obj
from data_prep.formats.meshes.off import read_off
from data_prep.formats.meshes.ply import read_ply
from data_prep.formats.meshes.stl import read_stl
from data_prep.formats.meshes.triangles import Triangles, from_polygons
from randquant.errors import DataError

MESHES = (".off", ".ply", ".obj", ".stl", ".glb", ".gltf")
_SMALLEST, _LARGEST = 1e-60, 1e60  # squared areas of anything in between are numbers


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices: (V, 3) float64 coordinates, all finite; some may belong to no face.
        faces: (F, 3) int64 indices of vertices, at least one face with an area.
        notes: how much of what was odd in the file, by the names of `data_prep.notes.READING`.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    notes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def doubled_normals(self) -> NDArray[np.float64]:
        """(F, 3): normal to each face, twice its area long; its corners are counter-clockwise around it."""
        first = self.vertices[self.faces[:, 0]]
        (ax, ay, az), (bx, by, bz) = ((self.vertices[self.faces[:, corner]] - first).T for corner in (1, 2))
        return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """(F,) area of each face, in squared units of the coordinates."""
        x, y, z = self.doubled_normals.T
        return np.sqrt(x * x + y * y + z * z) / 2


def read_mesh(path: str | Path) -> Mesh:
    """Read a mesh file in any of the formats of `MESHES`; the parts of a scene are merged.

    Raises:
        DataError: the file is missing, of another format or broken, or it has no surface: no faces, coordinates that
            are no numbers, indices of vertices that are not there, or no face with an area.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MESHES:
        raise DataError(f"{path} is no mesh; expected a file that ends in {', '.join(MESHES)}.")
    read = _READERS[suffix](path)
    return checked(Mesh(read.vertices, read.faces, read.notes), path)


def checked(mesh: Mesh, path: Path) -> Mesh:
    """Return the mesh if it has a surface.

    Raises:
        DataError: as `read_mesh`.
    """
    if not len(mesh.faces):
        raise DataError(
            f"{path} has no faces that can be read, so no surface; restore it if it is truncated, export it with "
            "faces, or read it as a point cloud (prepare clouds, embed --clouds)."
        )
    if not np.isfinite(mesh.vertices).all():
        raise DataError(f"{path} has a vertex whose coordinates are no finite numbers; fix it or leave it out.")
    if not len(mesh.vertices):
        raise DataError(f"{path} has faces and no vertices; restore it or leave it out.")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise DataError(
            f"{path} has a face with vertex {_outside(mesh)} where vertices count from 0 to {len(mesh.vertices) - 1}; "
            "fix it or leave it out."
        )
    extent = float(np.ptp(mesh.vertices, axis=0).max())
    if not _SMALLEST < extent < _LARGEST:
        raise DataError(f"{path} is {extent:g} wide and cannot be measured; scale its coordinates or leave it out.")
    if not mesh.areas.any():
        raise DataError(f"{path} has faces, but none with an area; fix it or leave it out.")
    return mesh


def _read_ply(path: Path) -> Triangles:
    ply = read_ply(path)
    places = np.stack([ply.vertices[axis] for axis in "xyz"], axis=-1).astype(np.float64)
    return from_polygons(path, places, ply.corners, ply.counts)


_READERS: dict[str, Callable[[Path], Triangles]] = {
    ".off": read_off,
    ".ply": _read_ply,
    ".obj": read_obj,
    ".stl": read_stl,
    ".glb": read_gltf,
    ".gltf": read_gltf,
}


def _outside(mesh: Mesh) -> int:
    return int(mesh.faces.min() if mesh.faces.min() < 0 else mesh.faces.max())
