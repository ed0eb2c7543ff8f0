"""ScanObjectNN (Uy et al., ICCV 2019): objects cut out of scanned rooms, 2,048 points each, 15 classes.

The tree is that of `h5_files.zip`; the root is the folder that holds `h5_files`, or the two folders in it:

    main_split/training_objectdataset.h5  test_objectdataset.h5                    obj_bg
    main_split_nobg/training_objectdataset.h5  test_objectdataset.h5               obj_only
    main_split/training_objectdataset_augmentedrot_scale75.h5  test_…              pb_t50_rs

`obj_bg` has the objects with what stands around them, `obj_only` without, `pb_t50_rs` with it and moved, turned and
scaled several times over. Label: by number, in the order of a `shape_names.txt` next to the folders, else in the
authors' where all 15 occur; else the number itself. Split: the file; since no validation split is
published, a share of each class of train becomes one. In `pb_t50_rs` that share has objects in common with train,
since the files do not say which shapes are of one object: accuracy on it is no estimate of that on test. Published
protocols take the first points of each shape; so does a store. The shapes stand on y.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from randquant.data_prep.class_names import SHAPE_NAMES, agreed_names, by_number, listed_names
from randquant.data_prep.cloud_h5 import CloudFile, cloud_file, h5_reader
from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.shapes import POINTS
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis

Variant = Literal["obj_bg", "obj_only", "pb_t50_rs"]

_NAMES = """
    bag bin box cabinet chair desk display door shelf table bed pillow sink sofa toilet
"""
CLASSES = tuple(_NAMES.split())
# Folder and ending of the files' names.
VARIANTS: dict[Variant, tuple[str, str]] = {
    "obj_bg": ("main_split", ""),
    "obj_only": ("main_split_nobg", ""),
    "pb_t50_rs": ("main_split", "_augmentedrot_scale75"),
}
WRAPPER = "h5_files"
PARTS = {"train": "training", "test": "test"}


def plan_scanobjectnn(
    root: str | Path,
    *,
    variant: Variant = "pb_t50_rs",
    points: int = POINTS,
    up: Axis = "y",
    validation: float = SHARE,
) -> Plan:
    """The shapes of one variant, train before test, in the order of the files.

    Args:
        root: folder that holds `h5_files` or the folders in it.
        variant: "obj_bg", "obj_only" or "pb_t50_rs".
        points: the first of each shape to keep.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no ScanObjectNN at `root`; a file of the variant is missing, wrong or broken; fewer points a shape
            than asked for.
        UsageError: `points` or `validation` is out of range.
    """
    check_points(points)
    check_share(validation)
    root = find_root(root, DATASET)
    files = {split: cloud_file(_file(root, variant, split), classes=len(CLASSES), points=points) for split in PARTS}
    classes, known = _classes(files["train"].path.parents[1], list(files.values()))
    items = [item for split, file in files.items() for item in file.items(root, classes, split)]
    names = [name for file in files.values() for name in file.row_names()]
    items = with_validation(items, validation, names=names)
    source = {
        **DATASET.describe(root, items, splits_in_words("files", validation)),
        "variant": variant,
        "unnamed_classes": 0 if known else len({item.label for item in items}),
    }
    return Plan(root, items, h5_reader(points=points, up=up), source)


def _classes(folder: Path, files: Sequence[CloudFile]) -> tuple[Sequence[str], bool]:
    """Class names: from a list in the folder, the authors' if all classes occur, otherwise the numbers."""
    labels = {int(label) for file in files for label in np.unique(file.labels)}
    listed = agreed_names(folder / SHAPE_NAMES, listed_names(folder / SHAPE_NAMES), {}, labels)
    if listed or len(labels) == len(CLASSES):
        return listed or CLASSES, True
    return by_number(labels), False


def _file(root: Path, variant: Variant, split: str) -> Path:
    path = _path(root, variant, split)
    if path.is_file():
        return path
    whole = [name for name in VARIANTS if all(_path(root, name, part).is_file() for part in PARTS)]
    remedy = f"give --variant {' or '.join(whole)}, or get the file" if whole else "get the file"
    raise DataError(f"{path} is not there, which holds {split} of {variant}; {remedy}.")


def _path(root: Path, variant: Variant, split: str) -> Path:
    folder, ending = VARIANTS[variant]
    base = root / WRAPPER if (root / WRAPPER / folder).is_dir() else root
    return base / folder / f"{PARTS[split]}_objectdataset{ending}.h5"


DATASET = Dataset(
    name="scanobjectnn",
    title="ScanObjectNN",
    kind="points",
    licence="the authors' terms of use, to be agreed to in a form",
    source=(
        "Uy et al., Revisiting point cloud classification: a new benchmark dataset and classification model on "
        "real-world data, ICCV 2019"
    ),
    tree=(
        "main_split/training_objectdataset.h5\nmain_split/test_objectdataset.h5\n"
        "main_split/training_objectdataset_augmentedrot_scale75.h5\n"
        "main_split/test_objectdataset_augmentedrot_scale75.h5\n"
        "main_split_nobg/training_objectdataset.h5\nmain_split_nobg/test_objectdataset.h5"
    ),
    marks=("main_split", "main_split_nobg", f"{WRAPPER}/main_split", f"{WRAPPER}/main_split_nobg"),
    plan=plan_scanobjectnn,
    classes=len(CLASSES),
    archives=(Archive(f"{WRAPPER}.zip", into=WRAPPER),),
    by_hand=(
        "Fill in the form at https://hkust-vgd.github.io/scanobjectnn/ and put the h5_files.zip that it leads to into "
        "a folder of its own."
    ),
)
