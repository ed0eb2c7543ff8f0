"""The reader of a user's own files of points."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from randquant.data_prep.engine.plan import Reader, Reading
from randquant.data_prep.formats.clouds.cloud_file import read_cloud
from randquant.data_prep.formats.clouds.columns import check_columns
from randquant.data_prep.sampled_cloud import check_points, cloud_settings, short_cloud, spread_rows
from randquant.data_prep.shapes import POINTS
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points


def cloud_reader(
    *,
    points: Points = POINTS,
    normals: bool = False,
    up: Axis = "z",
    least: int | None = None,
    columns: Sequence[str] | None = None,
) -> Reader:
    """Clouds as `points` of their points, spread over them; columns `file_points`, `missing_points`, `short_clouds`.

    Args:
        points: kept of each file, the farthest; at least 1. A file with fewer is kept whole, and with "any" every one.
        normals: whether to keep them too, which every file then needs.
        up: the axis that points up in the files.
        least: points of a file that is not counted as short; `points` where None.
        columns: names for the columns of files that do not name theirs, as in x y z i.

    Raises:
        UsageError: `points` is below 1, or `columns` do not name x, y and z.
    """
    check_points(points)
    names = check_columns(columns)
    read = partial(_read, points=points, normals=normals, up=up, least=least or points, columns=names)
    settings = cloud_settings(points, up, normals=normals)
    if names is not None:
        settings["file_columns"] = list(names)
    return Reader("points", read, settings)


def _read(
    path: Path, *, points: Points, normals: bool, up: Axis, least: Points, columns: tuple[str, ...] | None
) -> Reading:
    cloud = read_cloud(path, normals=normals, columns=columns)
    counts = {"file_points": len(cloud.points) + cloud.missing, "missing_points": cloud.missing}
    counts |= {**cloud.notes, **short_cloud(len(cloud.points), least)}
    return counts, [spread_rows(path, cloud.points, keep=points, up=up, normals=cloud.normals)]
