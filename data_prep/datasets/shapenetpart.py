"""ShapeNetPart (Yi et al., SIGGRAPH Asia 2016): shapes of 16 categories with points labelled by 50 parts.

The tree is that of `shapenetcore_partanno_segmentation_benchmark_v0_normal.zip`; the root is the folder in it:

    <synset>/<model>.txt                                      lines x y z nx ny nz part
    synsetoffset2category.txt                                 lines <category> <synset>
    train_test_split/shuffled_{train,val,test}_file_list.json lists of shape_data/<synset>/<model>

Label: the category. Split: the lists. Group: the model. The part of each point is the channel `part`. Shapes have
different numbers of points, and all are kept unless --points says otherwise. They stand on y.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.formats.clouds.point_table import read_points
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines, read_names
from randquant.data_prep.sampled_cloud import check_points, cloud_settings, short_cloud, spread_rows
from randquant.data_prep.scan import sizes_below
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points

# The parts of each category, by the numbers in the files.
PARTS: dict[str, tuple[int, ...]] = {
    "Airplane": (0, 1, 2, 3),
    "Bag": (4, 5),
    "Cap": (6, 7),
    "Car": (8, 9, 10, 11),
    "Chair": (12, 13, 14, 15),
    "Earphone": (16, 17, 18),
    "Guitar": (19, 20, 21),
    "Knife": (22, 23),
    "Lamp": (24, 25, 26, 27),
    "Laptop": (28, 29),
    "Motorbike": (30, 31, 32, 33, 34, 35),
    "Mug": (36, 37),
    "Pistol": (38, 39, 40),
    "Rocket": (41, 42, 43),
    "Skateboard": (44, 45, 46),
    "Table": (47, 48, 49),
}
PART = "part"  # the channel
_PARTS = sum(map(len, PARTS.values()))
CATEGORIES = "synsetoffset2category.txt"
LISTS = {"train": "train", "valid": "val", "test": "test"}


def plan_shapenetpart(root: str | Path, *, points: Points = "any", normals: bool = True, up: Axis = "y") -> Plan:
    """The available shapes of the lists: train, valid, test, each sorted by path.

    Shapes of the lists without a file are counted as `missing`, files that no list names as `unlisted_shapes`.

    Args:
        root: folder of the synsets.
        points: of each shape to keep, all of a shape with fewer; any, the default, keeps all points of every shape.
        normals: keep the normals too.
        up: the axis that points up in the files.

    Raises:
        DataError: no ShapeNetPart at `root`; a list is missing or wrong, or names a shape twice; none is there.
        UsageError: `points` is below 1.
    """
    check_points(points)
    root = find_root(root, DATASET)
    categories = _categories(root / CATEGORIES)
    sizes = sizes_below(root, categories, (".txt",))
    listed = _listed(root, categories)
    items = [
        Item(path, sizes[path], categories[path[:8]], Path(path).stem, split)
        for path, split in listed.items()
        if path in sizes
    ]
    if not items:
        raise DataError(f"none of the {len(listed):,} shapes that the lists of {root} name is there; unpack it again.")
    missing = [path for path in listed if path not in sizes]
    source = {
        **DATASET.describe(root, items, "train_test_split", missing=missing),
        "unlisted_shapes": len(sizes.keys() - listed.keys()),
        "parts": {category: list(PARTS[category]) for category in sorted(set(categories.values()) & PARTS.keys())},
    }
    parts = {synset: PARTS[category] for synset, category in categories.items() if category in PARTS}
    read = partial(_read_shape, points=points, normals=normals, up=up, known=parts)
    reader = Reader("points", read, cloud_settings(points, up, normals=normals, extra=(PART,)))
    return Plan(root, items, reader, source, missing)


def _categories(path: Path) -> dict[str, str]:
    """Category by synset."""
    categories: dict[str, str] = {}
    for number, line in enumerate(read_lines(path, "the list of categories"), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or len(words[1]) != 8 or not words[1].isdecimal() or words[1] in categories:
            raise DataError(f"{path} line {number} reads {line!r} where a category and its synset are expected.")
        categories[words[1]] = words[0]
    if not categories:
        raise DataError(f"{path} is empty where the list of categories is expected; unpack the archive again.")
    return categories


def _listed(root: Path, categories: Mapping[str, str]) -> dict[str, str]:
    """The split of every listed shape by its path."""
    listed: dict[str, str] = {}
    for split, name in LISTS.items():
        path = root / "train_test_split" / f"shuffled_{name}_file_list.json"
        for entry in sorted(read_names(path, "a list of shapes")):
            _, _, shape = entry.partition("/")
            synset, _, model = shape.partition("/")
            if synset not in categories or not model or "/" in model or model.startswith("."):
                raise DataError(f"{path} names {entry!r} where shape_data/<synset>/<model> is expected; restore it.")
            if f"{shape}.txt" in listed:
                raise DataError(f"{path} names {entry} again (it is in {listed[f'{shape}.txt']}); restore the lists.")
            listed[f"{shape}.txt"] = split
    return listed


def _read_shape(path: Path, *, points: Points, normals: bool, up: Axis, known: Mapping[str, Sequence[int]]) -> Reading:
    """The points of a file with their parts; `known` are those of each synset's category."""
    table = read_points(path, columns=7)
    parts = table[:, 6:]
    wrong = np.flatnonzero((parts != np.floor(parts)) | (parts < 0) | (parts >= _PARTS))
    if len(wrong):
        raise DataError(
            f"{path} point {wrong[0] + 1} is of part {parts[wrong[0], 0]:g} where 0 to {_PARTS - 1} are expected; "
            "restore the file."
        )
    foreign = np.setdiff1d(parts, known.get(path.parent.name, range(_PARTS)))
    if len(foreign):
        raise DataError(
            f"{path} has points of part {foreign[0]:g}, which is none of the category that {CATEGORIES} gives its "
            "folder; restore the one that is wrong."
        )
    directions = table[:, 3:6] if normals else None
    notes = short_cloud(len(table), points)
    return notes, [spread_rows(path, table[:, :3], keep=points, up=up, normals=directions, extra=parts)]


DATASET = Dataset(
    name="shapenetpart",
    title="ShapeNetPart",
    kind="points",
    licence="ShapeNet's terms of use, for non-commercial research and education",
    source="Yi et al., A scalable active framework for region annotation in 3D shape collections, SIGGRAPH Asia 2016",
    tree=(
        f"<synset>/<model>.txt, lines x y z nx ny nz part\n{CATEGORIES}\n"
        "train_test_split/shuffled_train_file_list.json\ntrain_test_split/shuffled_val_file_list.json\n"
        "train_test_split/shuffled_test_file_list.json"
    ),
    marks=(CATEGORIES, "train_test_split", "02691156"),
    plan=plan_shapenetpart,
    classes=len(PARTS),
    archives=(Archive("shapenetcore_partanno_segmentation_benchmark_v0_normal.zip"),),
    by_hand=(
        "Get shapenetcore_partanno_segmentation_benchmark_v0_normal.zip, which the authors of PointNet++ "
        "(github.com/charlesq34/pointnet2) link to, and put it into a folder of its own."
    ),
)
