"""One mesh, file of points or cloud in memory -> rows as a store holds them, for an encoder in a user's own program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.cloud_file import CLOUDS
from randquant.data_prep.formats.meshes.mesh_file import MESHES
from randquant.data_prep.formats.meshes.obj import has_faces as obj_has_faces
from randquant.data_prep.formats.meshes.ply import read_ply
from randquant.data_prep.notes import reading_notes
from randquant.data_prep.own_files.cloud_reader import cloud_reader
from randquant.data_prep.sampled_cloud import spread_rows
from randquant.data_prep.shapes import POINTS, UP, drawn_points, mesh_reader
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import Layout


def read_shape(
    path: Path, *, points: Points, normals: bool, up: Axis | None, clouds: bool | None
) -> tuple[NDArray[np.float32], Layout, list[str]]:
    """The rows of a file, by the readers of `scripts.embed`.

    Args:
        path: a mesh or a file of points; PLY and OBJ are meshes where they have faces.
        points: wanted of it; at least as many are read, spread over it.
        normals: whether the encoder reads them.
        up: the axis that points up in the file; None for that of its format.
        clouds: whether it is taken as points, None where the file decides.

    Returns:
        (n, C) rows, their columns, and a line for whatever was repaired, left out or guessed.

    Raises:
        DataError: it cannot be read, or is no such file.
        UsageError: all points of a mesh are asked for.
    """
    as_points = is_cloud(path) if clouds is None else clouds
    if as_points:
        least, most = (None, points) if points == "any" else (points, max(POINTS, points))
        reader = cloud_reader(points=most, least=least, normals=normals, up=up or UP)
    else:
        reader = mesh_reader(points=max(POINTS, drawn_points(points)), up=up, first=drawn_points(points))
    columns, blocks = reader.read(path)
    rows = np.concatenate(list(blocks))
    noted = {name: count for name, count in columns.items() if name != "short_clouds"}  # which the encoder counts
    return rows, Layout.of(reader.settings["channels"]), reading_notes([noted])


def spread_cloud(
    name: str, cloud: NDArray[Any], *, points: Points, normals: bool, up: Axis
) -> tuple[NDArray[np.float32], Layout]:
    """The rows of a cloud (N, 3), or (N, 6) with normals, as those of a file that holds it.

    Raises:
        DataError: it is empty, holds NaN or infinity, or all points lie in one place.
    """
    keep: Points = points if points == "any" else max(POINTS, points)
    directions = cloud[:, 3:6] if normals else None
    layout = Layout.of(("x", "y", "z", *(("nx", "ny", "nz") if normals else ())))
    return spread_rows(name, cloud[:, :3], keep=keep, up=up, normals=directions), layout


def is_cloud(path: Path) -> bool:
    """Whether a file is one of points rather than a mesh.

    Raises:
        DataError: it is neither, or cannot be read.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    if path.is_dir():
        raise DataError(f"{path} is a folder where a shape is expected; give a file.")
    suffix = path.suffix.lower()
    if suffix not in MESHES and suffix not in CLOUDS:
        raise DataError(
            f"{path} is neither a mesh ({', '.join(MESHES)}) nor a file of points "
            f"({', '.join(each for each in CLOUDS if each not in MESHES)}); convert it."
        )
    if suffix not in MESHES or suffix not in CLOUDS:
        return suffix in CLOUDS
    faces: Mapping[str, Any] = {".ply": lambda: len(read_ply(path).counts) > 0, ".obj": lambda: obj_has_faces(path)}
    return not faces[suffix]()
