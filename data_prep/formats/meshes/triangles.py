"""Triangles as read from a file, unchecked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.formats.meshes.polygons import triangles
from randquant.errors import DataError

_UNSURE = 0.01  # share of a surface that may be guessed


@dataclass(frozen=True)
class Triangles:
    """Vertices and faces as stored in a file; neither finiteness nor index range is checked.

    Attributes:
        vertices: (V, 3) coordinates.
        faces: (F, 3) indices of vertices.
        notes: how much of what was odd, by the names of `data_prep.notes.READING`.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    notes: Mapping[str, int] = field(default_factory=dict)


def from_polygons(
    path: Path, vertices: NDArray[np.float64], corners: NDArray[np.int64], counts: NDArray[np.int64]
) -> Triangles:
    """Triangulate polygons.

    Args:
        path: for the error message.
        vertices, corners, counts: as in `data_prep.formats.meshes.polygons.triangles`.

    Raises:
        DataError: polygons cross themselves, and more than a hundredth of the surface is not known.
    """
    cut = triangles(vertices, corners, counts)
    if cut.unsure:
        first, second, third = vertices[cut.faces.T]
        whole = np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2
        if cut.unsure > _UNSURE * whole:
            raise DataError(
                f"{path} has {cut.notes['crossed_polygons']:,} polygons that cross themselves, which leaves "
                f"{cut.unsure / whole:.0%} of its surface unknown; fix them or export triangles."
            )
    return Triangles(vertices, cut.faces, cut.notes)
