"""Published point clouds: which of a file's points a store keeps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from randquant.data_prep.shapes import finished, point_settings
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points


def check_points(points: Points) -> None:
    """Refuse a number of points below 1.

    Raises:
        UsageError: it is below 1.
    """
    if points != "any" and points < 1:
        raise UsageError(f"--points should be at least 1, got {points}.")


def short_cloud(total: int, points: Points) -> Mapping[str, int]:
    """The note of a cloud that has fewer points than are asked for and is kept whole; empty for any other."""
    return {"short_clouds": 1} if points != "any" and total < points else {}


def cloud_settings(points: Points, up: Axis, *, normals: bool = False, extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings of a store of published points: coordinates, `normals`, and further columns named `extra`."""
    columns = ("x", "y", "z", *(("nx", "ny", "nz") if normals else ()), *extra)
    return point_settings(columns, None if points == "any" else points, file_up=up)


def leading_rows(
    where: Path | str, points: NDArray, *, count: int, up: Axis, normals: NDArray | None = None
) -> NDArray:
    """The first `count` points of a file, for files with points in random order.

    Published protocols take the first of them, so those are kept, and the last column says which each one was. A
    store of n points holds the first m of the file for every m up to n.

    Args:
        where: the file, for the error messages.
        points: (N, 3) coordinates.
        count: points to keep.
        up: the axis that points up in them.
        normals: (N, 3), kept along.

    Returns:
        (count, 4) or (count, 7) float32: x, y, z, the normals where given, and `file_row`; upright, in the unit
        sphere, in farthest-point order.

    Raises:
        DataError: fewer than `count` points, or unusable ones.
    """
    normals = None if normals is None else normals[:count]
    try:
        return finished(points[:count], up=up, normals=normals, count=count, file_row=True)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def spread_rows(
    where: Path | str,
    points: NDArray,
    *,
    keep: Points,
    up: Axis,
    normals: NDArray | None = None,
    extra: NDArray | None = None,
) -> NDArray:
    """Points evenly spaced in a file, for files in arbitrary order; all if there are no more.

    Arguments, result and errors are those of `randquant.data_prep.shapes.finished`; the errors name the file.
    """
    count = None if keep == "any" else min(keep, max(1, len(points)))
    try:
        return finished(points, up=up, normals=normals, extra=extra, count=count)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
