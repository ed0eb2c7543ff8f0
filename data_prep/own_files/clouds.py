"""A user's own point clouds: all files below a folder, or those of a table, with labels."""

from collections.abc import Sequence
from pathlib import Path

from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.formats.clouds.cloud_file import CLOUDS
from randquant.data_prep.own_files.cloud_reader import cloud_reader
from randquant.data_prep.own_files.folder import plan_files
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.data_prep.shapes import POINTS
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points


def plan_clouds(
    root: str | Path,
    *,
    csv: Path | None = None,
    points: Points = POINTS,
    normals: bool = False,
    up: Axis = "z",
    columns: Sequence[str] | None = None,
) -> Plan:
    """Prepare every point cloud below a folder, or those that a CSV file names with their labels and splits.

    They are found as `plan_files` and `plan_labelled` do.

    Args:
        root: folder of files of points, at any depth; NPY, NPZ, PLY, PCD, LAS, LAZ, E57, PTX, BIN,
            and tables as XYZ, PTS, ASC, TXT, CSV.
        csv: table with the columns path,label,group,split, which says what to prepare and how it is labelled; all
            clouds without labels by default.
        points: of each to keep, spread over it, of files with fewer all; any keeps all points of every file.
        normals: keep the normals too, which every file then needs.
        up: the axis that points up in the files.
        columns: names for the columns of files that do not name theirs, as in --columns x y z i for KITTI's .bin; _ for
            one to pass over.

    Raises:
        DataError: `root` is not a folder or holds no file of points, or the table is not as it should be.
        UsageError: `points` is below 1, or `columns` do not name x, y and z.
    """
    reader = cloud_reader(points=points, normals=normals, up=up, columns=columns)
    if csv is not None:
        return plan_labelled(csv, root, reader)
    return plan_files(root, CLOUDS, reader, dataset="clouds", kind="clouds")
