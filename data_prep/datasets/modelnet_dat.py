"""ModelNet in the caches of Point-BERT, Point-MAE and ReCon: pickles of farthest points (Yu et al., CVPR 2022).

They lie where the text files of `modelnet-txt` were, with or without these; the root is that folder:

    modelnet40_train_8192pts_fps.dat  modelnet40_test_8192pts_fps.dat      or 1024pts; likewise modelnet10
    modelnet40_train.txt  modelnet40_test.txt                              <class>_0001 a line, where they are there

A file holds two lists: of points (8192, 6) with normals, and of labels (1,). Classes are counted in the order of
`modelnet40_shape_names.txt` or, where it is not there, of their names; where neither list is there and the labels may
be ModelNet10's, they go by their numbers. It is read without running anything in it (`randquant.weights.safe_pickle`).
Its points come in farthest-point order, so the first of them, which a store keeps, are spread over the shape. Split:
the files; since no validation split is published, a share of each class of train becomes one, the same shapes as in
the meshes of `modelnet` where the lists are there. The shapes stand on y.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.class_names import SHAPE_NAMES, listed_names
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.datasets.modelnet import HALVES, MODELNET10, MODELNET40, PUBLISHED
from randquant.data_prep.datasets.modelnet_txt import Classes
from randquant.data_prep.engine.plan import Item, Plan, Reading
from randquant.data_prep.engine.row_files import file_stamp, row_reader
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines
from randquant.data_prep.sampled_cloud import check_points, cloud_settings, leading_rows
from randquant.data_prep.shapes import POINTS
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.layout import FILE_ROW
from randquant.weights.safe_pickle import read_pickle

_FILE = re.compile(r"modelnet(?P<classes>10|40)_(?P<split>train|test)_(?P<points>[0-9]+)pts_fps\.dat")
_REMEDY = "take another copy"

Shapes = tuple[Sequence[NDArray], NDArray[np.int64]]


def plan_modelnet_dat(
    root: str | Path,
    *,
    classes: Classes = 40,
    points: int = POINTS,
    normals: bool = True,
    up: Axis = "y",
    validation: float = SHARE,
) -> Plan:
    """The shapes of the files, train before test, in the order of the files; of several files the one with most points.

    A split without a file is counted as `missing`.

    Args:
        root: folder of the files.
        classes: 40 or 10, whose files to take.
        points: the first of each shape to keep.
        normals: keep the normals too.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such files at `root`, one holds something else, or the lists name other shapes.
        UsageError: `points` or `validation` is out of range.
    """
    check_points(points)
    check_share(validation)
    root = find_root(root, DATASET)
    files = {split: _largest(root, classes, split) for split in HALVES}
    items: list[Item] = []
    names: list[str] = []
    known, told = _classes(root, classes), False
    for split, path in files.items():
        if path is None:
            continue
        clouds, labels = _read(path)
        _refuse_unusable(path, clouds, labels, len(known), points, normals)
        size = path.stat().st_size // len(labels)
        items += [Item(path.name, size, known[label], None, split, (row, row + 1)) for row, label in enumerate(labels)]
        listing = root / f"modelnet{classes}_{split}.txt"
        names += _names(listing, path, [known[label] for label in labels])
        # ModelNet10's ten labels under ModelNet40's name would be another ten of its classes.
        told = told or classes == 10 or listing.is_file() or _shape_names(root, classes).is_file() or max(labels) > 9
    if not told:
        items = [replace(item, label=str(known.index(str(item.label)))) for item in items]
    if not items:
        raise DataError(f"{root} holds no file modelnet{classes}_…pts_fps.dat; give another --classes.")
    items = with_validation(items, validation, names=names)
    missing = [f"modelnet{classes}_{split}_8192pts_fps.dat" for split, path in files.items() if path is None]
    source = {
        **DATASET.describe(root, items, splits_in_words("the files", validation), missing=missing),
        "published": PUBLISHED[classes] if told else {},
        "classes_published": classes if told else None,
        "unnamed_classes": 0 if told else len({item.label for item in items}),
    }
    read = partial(_read_row, points=points, normals=normals, up=up)
    reader = row_reader(read, cloud_settings(points, up, normals=normals, extra=(FILE_ROW,)))
    return Plan(root, items, reader, source, missing)


def _classes(root: Path, classes: Classes) -> Sequence[str]:
    """The class names in the order of the labels: from the list next to the files, otherwise sorted."""
    return listed_names(_shape_names(root, classes)) or (MODELNET40 if classes == 40 else MODELNET10)


def _shape_names(root: Path, classes: Classes) -> Path:
    return root / f"modelnet{classes}_{SHAPE_NAMES}"


def _largest(root: Path, classes: Classes, split: str) -> Path | None:
    """The file of a split with the most points per shape."""
    found = [match for path in root.iterdir() if (match := _FILE.fullmatch(path.name))]
    mine = [match for match in found if (match["classes"], match["split"]) == (str(classes), split)]
    return root / max(mine, key=lambda match: int(match["points"])).string if mine else None


def _read(path: Path) -> Shapes:
    return _content(path, file_stamp(path))


@lru_cache(maxsize=1)
def _content(path: Path, _stamp: tuple[int, int]) -> Shapes:
    """Clouds and labels of a file: 2 GB of memory for 8,192 points of each shape of train."""
    content = read_pickle(path)
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise DataError(f"{path} should hold a list of clouds and a list of labels; {_REMEDY}.")
    clouds, labels = content
    if not isinstance(clouds, list | tuple) or not isinstance(labels, list | tuple) or len(clouds) != len(labels):
        raise DataError(f"{path} should hold as many labels as clouds; {_REMEDY}.")
    if not clouds:
        raise DataError(f"{path} holds no shapes; {_REMEDY}.")
    return clouds, np.array([_label(path, row, label) for row, label in enumerate(labels)], dtype=np.int64)


def _label(path: Path, row: int, found: Any) -> int:
    label = np.asarray(found)
    if label.size != 1 or label.dtype.kind not in "iu":
        raise DataError(f"{path} shape {row} has a label that is not a class number; {_REMEDY}.")
    return int(label.reshape(()))


def _refuse_unusable(
    path: Path, clouds: Sequence[Any], labels: NDArray[np.int64], classes: int, points: int, normals: bool
) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(
            f"{path} shape {wrong[0]} has the label {labels[wrong[0]]} where 0 to {classes - 1} are expected; "
            f"{_REMEDY}."
        )
    columns = 6 if normals else 3
    for row, cloud in enumerate(clouds):
        if not isinstance(cloud, np.ndarray) or cloud.ndim != 2 or cloud.dtype.kind != "f" or cloud.shape[1] < columns:
            remedy = "give --no_normals, or take another copy" if normals else _REMEDY
            raise DataError(f"{path} shape {row} is not an array of points with {columns} columns; {remedy}.")
        if len(cloud) < points:
            raise DataError(f"{path} shape {row} has {len(cloud)} points where {points} are asked for; lower --points.")


def _names(listing: Path, path: Path, labels: Sequence[str]) -> list[str]:
    """Names of the shapes, as in the other releases if the list is there."""
    if not listing.is_file():
        return [f"{path.name}#{row}" for row in range(len(labels))]
    names = [line for line in read_lines(listing, "the list of shapes") if line]
    if [name.rpartition("_")[0] for name in names] != list(labels):
        raise DataError(
            f"{listing} names other shapes than {path.name} holds ({len(names)} and {len(labels)}, or in another "
            "order); restore it, or delete it to do without the names."
        )
    return names


def _read_row(path: Path, row: int, *, points: int, normals: bool, up: Axis) -> Reading:
    cloud = _read(path)[0][row]
    directions = cloud[:, 3:6] if normals else None
    return {}, [leading_rows(f"{path} shape {row}", cloud[:, :3], count=points, up=up, normals=directions)]


DATASET = Dataset(
    name="modelnet-dat",
    title="ModelNet as pickles of farthest points",
    kind="points",
    licence="for academic use; the copyright of the meshes lies with their authors",
    source="Yu et al., Point-BERT: pre-training 3D point cloud transformers with masked point modeling, CVPR 2022",
    tree="modelnet40_train_8192pts_fps.dat\nmodelnet40_test_8192pts_fps.dat\nmodelnet40_train.txt\nmodelnet40_test.txt",
    marks=("modelnet40_*pts_fps.dat", "modelnet10_*pts_fps.dat"),
    plan=plan_modelnet_dat,
    items=PUBLISHED[40],
    classes=40,
    whole_files=True,
    by_hand=(
        "Get the processed ModelNet that the authors of Point-BERT (github.com/lulutang0608/Point-BERT) link to, and "
        "put it into a folder of its own."
    ),
)
