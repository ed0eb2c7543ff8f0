"""The readers of shapes: from a mesh or a point cloud to rows of a store.

In a store every shape stands on its z axis, lies in the unit sphere, and has its points in farthest-point order: the
first n rows are a cloud of n well-spread points.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Reader
from randquant.data_prep.formats.meshes.gltf_file import external_buffers
from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.data_prep.surface import Sampling, sample_surface
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.axes import Axis, turn_up
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import XYZ_NORMALS

UP: Axis = "z"  # in a store
BY_FORMAT: Literal["by format"] = "by format"  # what a store says whose files stand on their format's own axis
UP_BY_FORMAT = "up in the files: y in glTF, z in others; --up X says that it is another axis in all of them"
Y_UP = (".gltf", ".glb")  # by their specification; other formats have none, and most of their files stand on z
POINTS = 2048  # drawn from a mesh unless told otherwise
ORDERED = 2**14  # points of a cloud that is kept whole that are put in farthest-point order; the rest is shuffled


def mesh_reader(
    *,
    points: int = POINTS,
    up: Axis | None = "z",
    sampling: Sampling = "area",
    seed: int = 0,
    first: int | None = None,
) -> Reader:
    """Meshes as `points` points of their surface with normals; columns `vertices` and `faces` in the manifest.

    Args:
        points: drawn from each mesh, at least 1.
        up: the axis that points up in the files; y in glTF files and z in others where None.
        sampling, seed: as in `sample_surface`.
        first: as in `finished`; of no account to whoever reads no more than these.

    Raises:
        ValueError: `points` is below 1.
    """
    if points < 1:
        raise ValueError(f"points should be at least 1, got {points}")
    read = partial(_read_shape, points=points, up=up, sampling=sampling, seed=seed, first=first)
    settings = point_settings(XYZ_NORMALS.channels, points, file_up=up or BY_FORMAT, sampling=sampling, seed=seed)
    return Reader("points", read, settings, companions=external_buffers)


def drawn_points(points: Points) -> int:
    """The number of points to draw from a mesh.

    Raises:
        UsageError: it is "any".
    """
    if points == "any":
        raise UsageError(
            "--points any keeps all points of a cloud, but meshes are surfaces from which points are drawn; give a "
            f"number, as in --points {POINTS}."
        )
    return points


def point_settings(
    channels: Sequence[str],
    points: int | None,
    *,
    file_up: Axis | Literal["by format"],
    sampling: str = "as stored",
    seed: int = 0,
) -> dict[str, Any]:
    """The settings of a store of points, for `Reader.settings`.

    `points` is None where items have as many as their files; `sampling` is "area", "poisson", or "as stored" in them.
    """
    return {
        "channels": list(channels),
        "points": points,
        "up": UP,
        "file_up": file_up,
        "normalise": "unit_sphere",
        "sampling": sampling,
        "order": "farthest",
        "seed": seed,
    }


def _read_shape(
    path: Path, *, points: int, up: Axis | None, sampling: Sampling, seed: int, first: int | None
) -> tuple[dict[str, Any], Iterable[NDArray]]:
    mesh = read_mesh(path)
    up = up or ("y" if path.suffix.lower() in Y_UP else UP)
    places, normals = sample_surface(mesh, points, sampling=sampling, seed=seed)
    columns = {"vertices": len(mesh.vertices), "faces": len(mesh.faces), **mesh.notes}
    try:
        return columns, [finished(places, up=up, normals=normals, first=first)]
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def finished(
    points: NDArray,
    *,
    up: Axis,
    normals: NDArray | None = None,
    extra: NDArray | None = None,
    count: int | None = None,
    file_row: bool = False,
    first: int | None = None,
) -> NDArray[np.float32]:
    """The rows of one item: rotated upright, in farthest-point order, in the unit sphere.

    Where `count` is below N, the farthest-point order chooses; the unit sphere and the order itself are those of the
    points that are kept. Of a cloud that is kept whole, 16,384 points at most are put in that order, whose time grows
    with the square; the rest follows in random order, so that the first n rows are spread over the cloud for every n.

    Args:
        points: (N, 3) coordinates.
        up: the axis that points up in them.
        normals: (N, 3), turned along.
        extra: (N, E) further columns, kept as they are.
        count: points to keep; all where None.
        file_row: whether the index of each point among the N is the last column.
        first: rows to give, from the start, of which the others are not put in order; all where None.

    Returns:
        (count or first, 3 [+ 3] + E [+ 1]) float32, in this order of columns.

    Raises:
        DataError: no points, fewer than `count`, values that are not finite, or all points in one place. It
            does not name the file.
    """
    columns = [part for part in (points, normals, extra) if part is not None]
    total = len(points)
    if not total:
        raise DataError("there are no points; restore the file or leave it out.")
    if count is not None and total < count:
        raise DataError(f"there are {total} points where {count} are asked for; lower --points.")
    if not all(np.isfinite(part).all() for part in columns):
        raise DataError("there are values that are not finite; fix the file or leave it out.")
    turned = np.asarray(turn_up(np.asarray(points, dtype=np.float64), up, UP))
    kept = np.arange(len(turned))
    if count is not None and count < len(turned):
        kept = farthest_point_order(_in_unit_sphere(turned), count)
    places = _in_unit_sphere(turned[kept])
    given = len(places) if first is None else min(first, len(places))
    order = farthest_point_order(places, given) if count is not None else _whole_order(places, given)
    kept = kept[order]
    parts: list[NDArray] = [places[order]]
    if normals is not None:
        parts.append(turn_up(np.asarray(normals), up, UP)[kept])
    if extra is not None:
        parts.append(np.asarray(extra)[kept])
    if file_row:
        parts.append(kept[:, None])
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def _whole_order(places: NDArray[np.float32], given: int) -> NDArray[np.int64]:
    """The first `given` rows: at most `ORDERED` in farthest-point order, the others in a fixed random order."""
    first = farthest_point_order(places, min(ORDERED, given))
    if len(first) == given:
        return first
    others = np.setdiff1d(np.arange(len(places)), first, assume_unique=True)
    return np.concatenate([first, np.random.default_rng(0).permutation(others)])[:given]


def _in_unit_sphere(points: NDArray[np.float64]) -> NDArray[np.float32]:
    moved = points - points[:1]  # exact zeros where all points are equal, which a mean need not give
    centred = moved - moved.mean(axis=0)
    with np.errstate(over="ignore"):
        radius = np.sqrt(np.square(centred).sum(axis=1).max())
    if np.isinf(radius):
        raise DataError("the coordinates are too large to be measured; scale them or leave the file out.")
    if not radius > 0:
        raise DataError("all points lie in one place; leave the file out.")
    return (centred / radius).astype(np.float32)
