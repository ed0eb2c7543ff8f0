"""ModelNet40 as points (Qi et al., PointNet++, 2017): 10,000 points with normals of each shape, as text.

The tree is that of `modelnet40_normal_resampled.zip`; the root is the folder `modelnet40_normal_resampled` in it:

    <class>/<class>_0001.txt              10,000 lines x,y,z,nx,ny,nz
    modelnet40_shape_names.txt            a class a line
    modelnet40_train.txt                  <class>_0001 a line
    modelnet40_test.txt
    modelnet10_shape_names.txt  …         the same of the ten classes of ModelNet10

Label: the name without its number. Split: the lists; since no validation split is published, a share of each class of
train becomes one, the same shapes as in the meshes of `modelnet`. The points of a file lie in random order, and
published protocols take the first of them; so does a store. The shapes stand on y.
"""

import re
from functools import partial
from pathlib import Path
from typing import Literal

from numpy.typing import NDArray

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.datasets.modelnet import HALVES, PUBLISHED
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.formats.clouds.point_table import read_points
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines
from randquant.data_prep.sampled_cloud import check_points, cloud_settings, leading_rows
from randquant.data_prep.scan import sizes_below
from randquant.data_prep.shapes import POINTS
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.layout import FILE_ROW

Classes = Literal[10, 40]

_NAME = re.compile(r"(?P<label>[a-z_]+)_[0-9]{4}")


def plan_modelnet_txt(
    root: str | Path,
    *,
    classes: Classes = 40,
    points: int = POINTS,
    normals: bool = True,
    up: Axis = "y",
    validation: float = SHARE,
) -> Plan:
    """The available shapes of the lists, train before test, in the order of the lists.

    Shapes of the lists without a file are counted as `missing`, files of the classes that no list names as
    `unlisted_shapes`.

    Args:
        root: folder of the lists and classes.
        classes: 40 or 10, whose lists to take.
        points: the first of each file to keep.
        normals: keep the normals too.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such tree at `root`; a list is missing, names a shape twice or one of no known class; none of
            the shapes is there.
        UsageError: `points` or `validation` is out of range.
    """
    check_points(points)
    check_share(validation)
    root = find_root(root, DATASET)
    listed = _listed(root, classes)
    sizes = sizes_below(root, sorted({_label(name) for name in listed}), (".txt",))
    paths = {name: f"{_label(name)}/{name}.txt" for name in listed}
    there = [name for name, path in paths.items() if path in sizes]
    missing = [path for path in paths.values() if path not in sizes]
    if not there:
        raise DataError(_nothing_there(root, len(listed)))
    items = [Item(paths[name], sizes[paths[name]], _label(name), None, listed[name]) for name in there]
    items = with_validation(items, validation, names=there)
    source = {
        **DATASET.describe(root, items, splits_in_words(f"modelnet{classes}'s lists", validation), missing=missing),
        "published": PUBLISHED[classes],
        "classes_published": classes,
        "unlisted_shapes": len(sizes) - len(items),
    }
    read = partial(_read_shape, points=points, normals=normals, up=up)
    reader = Reader("points", read, cloud_settings(points, up, normals=normals, extra=(FILE_ROW,)))
    return Plan(root, items, reader, source, missing)


def _listed(root: Path, classes: Classes) -> dict[str, str]:
    """The split of every shape by its name."""
    known = _lines(root / f"modelnet{classes}_shape_names.txt", "the list of classes")
    listed: dict[str, str] = {}
    for split in HALVES:
        path = root / f"modelnet{classes}_{split}.txt"
        for name in _lines(path, f"the list of shapes for {split}"):
            if _NAME.fullmatch(name) is None or _label(name) not in known:
                raise DataError(f"{path} names {name!r}, which is not a shape of its {len(known)} classes; restore it.")
            if name in listed:
                raise DataError(f"{path} names {name} again (it is in {listed[name]} already); restore the lists.")
            listed[name] = split
    return listed


def _lines(path: Path, what: str) -> list[str]:
    lines = [line for line in read_lines(path, what) if line]
    if not lines:
        raise DataError(f"{path} is empty where {what} is expected; unpack the archive again.")
    return lines


def _label(name: str) -> str:
    """A shape's class.

    >>> _label("night_stand_0001")
    'night_stand'
    """
    return name.rpartition("_")[0]


def _nothing_there(root: Path, listed: int) -> str:
    cache = next(root.glob("*.dat"), None)
    if cache is not None:
        return (
            f"{root} holds {cache.name}, a pickle that another program made of the shapes, but none of the shapes "
            "themselves; prepare it as modelnet-dat, or unpack modelnet40_normal_resampled.zip next to it."
        )
    return f"none of the {listed:,} shapes that the lists of {root} name is there; unpack the archive again."


def _read_shape(path: Path, *, points: int, normals: bool, up: Axis) -> Reading:
    table = read_points(path)
    if table.shape[1] < (6 if normals else 3):
        remedy = "give --no_normals, or restore the file" if normals else "restore the file"
        raise DataError(f"{path} has {table.shape[1]} columns where {6 if normals else 3} are expected; {remedy}.")
    directions: NDArray | None = table[:, 3:6] if normals else None
    return {}, [leading_rows(path, table[:, :3], count=points, up=up, normals=directions)]


DATASET = Dataset(
    name="modelnet-txt",
    title="ModelNet40 as 10,000 points a shape, resampled with normals",
    kind="points",
    licence="for academic use; the copyright of the meshes lies with their authors",
    source="Qi et al., PointNet++: deep hierarchical feature learning on point sets in a metric space, NeurIPS 2017",
    tree=(
        "modelnet40_shape_names.txt\nmodelnet40_train.txt\nmodelnet40_test.txt\n"
        "<class>/<class>_0001.txt, 10,000 lines x,y,z,nx,ny,nz"
    ),
    marks=("modelnet40_train.txt", "modelnet10_train.txt", "chair"),
    plan=plan_modelnet_txt,
    items=PUBLISHED[40],
    classes=40,
    archives=(Archive("modelnet40_normal_resampled.zip"),),
    by_hand=(
        "Get modelnet40_normal_resampled.zip, which the authors of PointNet++ (github.com/charlesq34/pointnet2) link "
        "to, and put it into a folder of its own."
    ),
)
