"""Meshes of one's own, without labels as they lie in a folder, or with those of a table."""

from pathlib import Path

from data_prep.cloud import check_points
from data_prep.folder import plan_files
from data_prep.formats.mesh import MESHES
from data_prep.labelled import plan_labelled
from data_prep.preparation import Plan
from data_prep.shapes import POINTS, mesh_reader
from data_prep.surface import Sampling
from pointcloud.geometry import Axis


def plan_meshes(
    root: str | Path,
    *,
    table: str | Path | None = None,
    points: int = POINTS,
    sampling: Sampling = "area",
    up: Axis = "z",
    seed: int = 0,
) -> Plan:
    """All meshes below `root`, as `data_prep.folder.plan_files` finds them; or those that a table names.

    Args:
        root: a folder.
        table: CSV file with labels and splits, as in `data_prep.labelled.plan_labelled`.
        points, sampling, up, seed: as in `data_prep.shapes.mesh_reader`.

    Raises:
        DataError: `root` is no folder or holds no mesh, or the table is not as it should be.
        UsageError: `points` is below 1.
    """
    check_points(points)
    reader = mesh_reader(points=points, up=up, sampling=sampling, seed=seed)
    if table is not None:
        return plan_labelled(table, root, reader)
    return plan_files(root, MESHES, reader, dataset="meshes", kind="meshes")
