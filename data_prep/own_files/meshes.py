"""A user's own meshes: all files below a folder, or those of a table, with labels."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from randquant.data_prep.engine.plan import Plan, Reader
from randquant.data_prep.formats.meshes.mesh_file import MESHES
from randquant.data_prep.own_files.folder import plan_files
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.shapes import POINTS, UP, Y_UP, drawn_points, mesh_reader
from randquant.data_prep.surface import Sampling
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points


def plan_meshes(
    root: str | Path,
    *,
    csv: Path | None = None,
    points: Points = POINTS,
    sampling: Sampling = "area",
    up: Axis | None = None,
    seed: int = 0,
) -> Plan:
    """Prepare every mesh below a folder, or those that a CSV file names with their labels and splits.

    They are found as `plan_files` and `plan_labelled` do.

    Args:
        root: folder of meshes, at any depth; OFF, PLY, OBJ, STL, glTF.
        csv: table with the columns path,label,group,split, which says what to prepare and how it is labelled; all
            meshes without labels by default.
        points: drawn from the surface of each.
        sampling: "area", each point anywhere on the surface, or "poisson", evenly spread (needs Open3D, slow).
        up: the axis that points up in the files; by default that of their format, y in glTF files and z in others.
        seed: of the points drawn.

    Raises:
        DataError: `root` is not a folder or holds no mesh, or the table is not as it should be.
        UsageError: `points` is below 1 or "any".
    """
    check_points(points)
    reader = partial(mesh_reader, points=drawn_points(points), sampling=sampling, seed=seed)
    if csv is not None:
        return by_format(partial(plan_labelled, csv, root), reader, up)
    return by_format(partial(plan_files, root, MESHES, dataset="meshes", kind="meshes"), reader, up)


def by_format(plan: Callable[..., Plan], reader: Callable[..., Reader], up: Axis | None) -> Plan:
    """A plan of meshes with up axis `up`, or, if None, the up axis of their format.

    Args:
        plan: takes `reader`.
        reader: takes `up`.
        up: as in `randquant.data_prep.shapes.mesh_reader`.
    """
    found = plan(reader=reader(up=up or UP))
    if up is None and any(Path(item.path).suffix.lower() in Y_UP for item in found.items):
        return replace(found, reader=reader(up=None))
    return found
