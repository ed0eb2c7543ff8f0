"""Any tree of meshes, without labels: what pretraining needs, and what is to be embedded."""

from pathlib import Path

from data_prep.cloud import check_points
from data_prep.folder import existing_folder, file_size, visible_files
from data_prep.mesh import MESHES
from data_prep.preparation import Item, Plan
from data_prep.shapes import POINTS, mesh_reader
from data_prep.surface import Sampling
from pointcloud.geometry import Axis
from randquant.errors import DataError


def plan_meshes(
    root: str | Path, *, points: int = POINTS, sampling: Sampling = "area", up: Axis = "z", seed: int = 0
) -> Plan:
    """All meshes below `root`, sorted by path, known by their suffix; others are counted as `other_kinds`.

    Args:
        root: a folder; hidden files and folders and `__MACOSX` are passed over, symbolic links followed.
        points, sampling, up, seed: as in `data_prep.shapes.mesh_reader`.

    Raises:
        DataError: `root` is no folder or holds no mesh.
        UsageError: `points` is below 1.
    """
    check_points(points)
    root = existing_folder(root)
    paths = list(visible_files(root))
    items = [
        Item(path.relative_to(root).as_posix(), file_size(path)) for path in paths if path.suffix.lower() in MESHES
    ]
    others = len(paths) - len(items)
    if not items:
        raise DataError(f"{root} holds no meshes among its {others} files; give one with {', '.join(MESHES)} files.")
    items.sort(key=lambda item: item.path)
    source = {"dataset": "meshes", "root": str(root), "other_kinds": others}
    return Plan(root, items, mesh_reader(points=points, up=up, sampling=sampling, seed=seed), source)
