"""Triangle meshes from files, by our own readers, since every library misreads some real files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from randquant.data_prep.formats.meshes.gltf import read_gltf
from randquant.data_prep.formats.meshes.mesh import Mesh, checked, from_polygons
from randquant.data_prep.formats.meshes.obj import read_obj
from randquant.data_prep.formats.meshes.off import read_off
from randquant.data_prep.formats.meshes.ply import read_ply
from randquant.data_prep.formats.meshes.stl import read_stl
from randquant.errors import DataError


def read_mesh(path: str | Path) -> Mesh:
    """Read a mesh file in any of the formats of `MESHES`; the parts of a scene are merged.

    Raises:
        DataError: the file is missing, of another format or broken, or it has no surface: no faces, coordinates that
            are not numbers, indices of vertices that are not there, or no face with an area.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MESHES:
        raise DataError(f"{path} is not a mesh; expected a file that ends in {', '.join(MESHES)}.")
    return checked(_READERS[suffix](path), path)


def _read_ply(path: Path) -> Mesh:
    ply = read_ply(path)
    places = np.stack([ply.vertices[axis] for axis in "xyz"], axis=-1).astype(np.float64)
    return from_polygons(path, places, ply.corners, ply.counts)


_READERS: dict[str, Callable[[Path], Mesh]] = {
    ".off": read_off,
    ".ply": _read_ply,
    ".obj": read_obj,
    ".stl": read_stl,
    ".glb": read_gltf,
    ".gltf": read_gltf,
}
MESHES = tuple(_READERS)
