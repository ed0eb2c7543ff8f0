"""Meshes of one's own, without labels as they lie in a folder, or with those of a table."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from data_prep.datasets.folder import plan_files
from data_prep.datasets.labelled import plan_labelled
from data_prep.engine.preparation import Plan, Reader
from data_prep.formats.mesh import MESHES
from data_prep.sampled_cloud import check_points
from data_prep.shapes import POINTS, UP, Y_UP, mesh_reader
from data_prep.surface import Sampling
from pointcloud.geometry import Axis


def plan_meshes(
    root: str | Path,
    *,
    table: str | Path | None = None,
    points: int = POINTS,
    sampling: Sampling = "area",
    up: Axis | None = None,
    seed: int = 0,
) -> Plan:
    """All meshes below `root`, as `data_prep.datasets.folder.plan_files` finds them; or those that a table names.

    Args:
        root: a folder.
        table: CSV file with labels and splits, as in `data_prep.datasets.labelled.plan_labelled`.
        points, sampling, up, seed: as in `data_prep.shapes.mesh_reader`; where no axis is given and no glTF file is
            there, it is z for all.

    Raises:
        DataError: `root` is no folder or holds no mesh, or the table is not as it should be.
        UsageError: `points` is below 1.
    """
    check_points(points)
    reader = partial(mesh_reader, points=points, sampling=sampling, seed=seed)
    if table is not None:
        return by_format(partial(plan_labelled, table, root), reader, up)
    return by_format(partial(plan_files, root, MESHES, dataset="meshes", kind="meshes"), reader, up)


def by_format(plan: Callable[..., Plan], reader: Callable[..., Reader], up: Axis | None) -> Plan:
    """A plan of meshes that stand on `up`, or, where None, on the axis of their format.

    Args:
        plan: takes `reader`.
        reader: takes `up`.
        up: as in `data_prep.shapes.mesh_reader`.
    """
    found = plan(reader=reader(up=up or UP))
    if up is None and any(Path(item.path).suffix.lower() in Y_UP for item in found.items):
        return replace(found, reader=reader(up=None))
    return found
