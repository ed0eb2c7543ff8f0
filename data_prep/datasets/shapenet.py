"""ShapeNet (Chang et al., 2015) for pretraining, labelled with the synset, in any of its published forms:

    ShapeNetCore, version 1                <synset>/<model>/model.obj
    ShapeNetCore, version 2                <synset>/<model>/models/model_normalized.obj
    ShapeNet-55 of Point-BERT              shapenet_pc/<synset>-<model>.npy, 8,192 points each
                                           ShapeNet-55/train.txt  test.txt, a file a line
    one array of clouds (STRL, FoldingNet) shapenet57448xyzonly.npz

The first that is there, from the bottom up, is taken. Label: the synset, eight digits. Group: the model, since one
model may stand under several synsets. Split: the lists of ShapeNet-55; null elsewhere, and where the lists are not
there. The array has neither label nor group. All of them stand on y.
"""

import re
from functools import partial
from pathlib import Path

import numpy as np

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.engine.row_files import row_reader
from randquant.data_prep.formats.clouds.npz_rows import npz_row, npz_shape
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines
from randquant.data_prep.sampled_cloud import check_points, cloud_settings, short_cloud, spread_rows
from randquant.data_prep.scan import files_below
from randquant.data_prep.shapes import POINTS, drawn_points, mesh_reader
from randquant.data_prep.surface import Sampling
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points

CLOUDS, SPLITS = "shapenet_pc", "ShapeNet-55"
_CLOUD = re.compile(r"[0-9]{8}-.+\.npy")  # synset and model
_MESH = re.compile(r"(?P<synset>[0-9]{8})/(?P<model>[^/]+)/(model|models/model_normalized)\.obj")
_DIGITS = "[0-9]" * 8


def plan_shapenet(
    root: str | Path, *, points: Points = POINTS, sampling: Sampling = "area", up: Axis = "y", seed: int = 0
) -> Plan:
    """The shapes of the form that is present, sorted by path, train before test.

    Args:
        root: the folder of the synsets, the one that holds `shapenet_pc`, or the one that holds the array.
        points: of each shape to keep, all of a cloud with fewer; any keeps all points of every cloud.
        sampling: of meshes; "area", each point anywhere on the surface, or "poisson", evenly spread (slow).
        up: the axis that points up in the files.
        seed: of the points drawn from meshes.

    Raises:
        DataError: no ShapeNet at `root`; none of the shapes of its lists is there; an array of another shape.
        UsageError: `points` is below 1.
    """
    check_points(points)
    root = find_root(root, DATASET)
    arrays = sorted(path for path in root.glob("*.npz") if not path.name.startswith("."))
    if arrays:
        return _plan_array(root, arrays, points, up)
    if (root / CLOUDS).is_dir():
        return _plan_clouds(root, points, up)
    return _plan_meshes(root, mesh_reader(points=drawn_points(points), up=up, sampling=sampling, seed=seed))


def _plan_array(root: Path, arrays: list[Path], points: Points, up: Axis) -> Plan:
    if len(arrays) > 1:
        raise DataError(f"{root} holds {len(arrays)} arrays ({arrays[0].name}, {arrays[1].name}, …); keep one of them.")
    shapes, held, _ = npz_shape(arrays[0])
    if points != "any" and held < points:
        raise DataError(
            f"{arrays[0]} has {held} points a shape where {points} are asked for; give --points {held} or fewer."
        )
    size = arrays[0].stat().st_size // shapes
    items = [Item(arrays[0].name, size, window=(row, row + 1)) for row in range(shapes)]
    read = partial(_read_row, points=points, up=up)
    reader = row_reader(read, cloud_settings(points, up))
    return Plan(root, items, reader, {**DATASET.describe(root, items, "none"), "form": "array"})


def _plan_clouds(root: Path, points: Points, up: Axis) -> Plan:
    sizes = {name: size for name, size in files_below(root / CLOUDS, (".npy",)) if _CLOUD.fullmatch(name)}
    splits = _splits(root)
    listed = splits if splits else dict.fromkeys(sorted(sizes))
    items = [
        Item(f"{CLOUDS}/{name}", sizes[name], name[:8], name[9:].removesuffix(".npy"), split)
        for name, split in listed.items()
        if name in sizes
    ]
    if not items:
        raise DataError(f"none of the {len(listed):,} shapes of ShapeNet-55 is in {root / CLOUDS}; unpack it again.")
    missing = [f"{CLOUDS}/{name}" for name in listed if name not in sizes]
    source = {
        **DATASET.describe(root, items, "ShapeNet-55" if splits else "none", missing=missing),
        "form": "ShapeNet-55",
        "unlisted_shapes": len(sizes.keys() - listed.keys()),
    }
    read = partial(_read_cloud, points=points, up=up)
    return Plan(root, items, Reader("points", read, cloud_settings(points, up)), source, missing)


def _splits(root: Path) -> dict[str, str | None]:
    """The split of every listed file, sorted by name, train first; empty without lists."""
    splits: dict[str, str | None] = {}
    for split in ("train", "test"):
        path = root / SPLITS / f"{split}.txt"
        names = sorted({line for line in read_lines(path, "a list of .npy files") if line}) if path.exists() else []
        for name in names:
            if _CLOUD.fullmatch(name) is None:
                raise DataError(f"{path} names {name!r} where <synset>-<model>.npy is expected; restore the list.")
            if name in splits:
                raise DataError(f"{path} names {name}, which is in train already; restore the lists.")
            splits[name] = split
    return splits


def _plan_meshes(root: Path, reader: Reader) -> Plan:
    meshes = sorted(files_below(root, (".obj",), depth=4))
    found = [(match, size) for path, size in meshes if (match := _MESH.fullmatch(path)) is not None]
    if not found:
        raise DataError(f"{root} holds no meshes <synset>/<model>/model.obj; unpack the archives of the synsets there.")
    items = [Item(match[0], size, match["synset"], match["model"]) for match, size in found]
    return Plan(root, items, reader, {**DATASET.describe(root, items, "none"), "form": "meshes"})


def _read_row(path: Path, row: int, *, points: Points, up: Axis) -> Reading:
    return {}, [spread_rows(f"{path} shape {row}", npz_row(path, row), keep=points, up=up)]


def _read_cloud(path: Path, *, points: Points, up: Axis) -> Reading:
    try:
        cloud = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} is not an array of numbers ({reason[:100]}); unpack it again or leave it out."
        ) from None
    if not isinstance(cloud, np.ndarray) or cloud.ndim != 2 or cloud.shape[1] != 3 or cloud.dtype.kind != "f":
        shape = getattr(cloud, "shape", "several arrays")
        raise DataError(f"{path} holds {shape} where (points, 3) is expected; unpack it again or leave it out.")
    return short_cloud(len(cloud), points), [spread_rows(path, cloud, keep=points, up=up)]


DATASET = Dataset(
    name="shapenet",
    title="ShapeNet",
    kind="points",
    licence="ShapeNet's terms of use, for non-commercial research and education",
    source="Chang et al., ShapeNet: an information-rich 3D model repository, 2015",
    tree=(
        "<synset>/<model>/model.obj, or\n<synset>/<model>/models/model_normalized.obj, or\n"
        "shapenet_pc/<synset>-<model>.npy with ShapeNet-55/train.txt and test.txt, or\nshapenet57448xyzonly.npz"
    ),
    marks=("shapenet_pc", "*.npz", f"{_DIGITS}/*/model.obj", f"{_DIGITS}/*/models/model_normalized.obj"),
    plan=plan_shapenet,
    archives=(Archive("ShapeNetCore.v*.zip"), Archive(f"{_DIGITS}.zip")),
    by_hand=(
        "Ask for ShapeNetCore at https://shapenet.org, or get ShapeNet55-34 through the pages of Point-BERT, and "
        "unpack it into a folder of its own."
    ),
)
