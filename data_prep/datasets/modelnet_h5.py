"""ModelNet40 as points (Qi et al., PointNet, CVPR 2017): 2,048 points of each shape, in seven HDF5 files.

The tree is that of `modelnet40_ply_hdf5_2048.zip`; the root is the folder `modelnet40_ply_hdf5_2048` in it:

    ply_data_train0.h5 … train4.h5, test0.h5, test1.h5     data (n, 2048, 3), label (n, 1), normal (n, 2048, 3)
    train_files.txt  test_files.txt                        a file a line; its name is what counts
    shape_names.txt                                        a class a line, in the order of the labels
    ply_data_train_0_id2file.json …                        <class>/<class>_0001.ply of each shape, in order

Other copies call their files train0.h5 and have …_id2name.json, the class of each shape. Label: the name that these
give it; where none does, ModelNet40's or ModelNet10's where all of their labels occur or the folder is called so, and
else its number. What contradicts itself is refused.

This release has 9,840 shapes of train where the others have 9,843. The files are read in the order of their names.
Split: the lists, or the files' names where there are none; since no validation split is published, a share of each
class of train becomes one, where the id2file files are there the same shapes as in the meshes of `modelnet`. The
points of a shape lie in random order, and published protocols take the first of them; so does a store. The shapes
stand on y.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from randquant.data_prep.class_names import SHAPE_NAMES, agreed_names, by_number, class_of, implied_names, listed_names
from randquant.data_prep.cloud_h5 import CloudFile, cloud_file, h5_reader
from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.datasets.modelnet import HALVES, MODELNET10, MODELNET40, published_release
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines, read_names
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.shapes import POINTS
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis

_PREFIXES = ("ply_data_", "")  # of the files' names; some copies have none
_NUMBERED = re.compile(r"(.*?)([0-9]+)")


def plan_modelnet_h5(
    root: str | Path,
    *,
    points: int = POINTS,
    normals: bool = False,
    up: Axis = "y",
    validation: float = SHARE,
) -> Plan:
    """The shapes of all available files, train before test, by file, then by row.

    Files of the lists that are not there are counted as `missing`.

    Args:
        root: folder of the files.
        points: the first of each shape to keep.
        normals: keep the normals too, where the files have them.
        up: the axis that points up in the files.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such tree at `root`; a list or a file is missing, wrong or broken; fewer points a shape than
            asked for.
        UsageError: `points` or `validation` is out of range.
    """
    check_points(points)
    check_share(validation)
    root = find_root(root, DATASET)
    listed = [(name, split) for split in HALVES for name in _files(root, split)]
    repeated = [name for name, count in Counter(name for name, _ in listed).items() if count > 1]
    if repeated:
        raise DataError(f"both lists of {root} name {repeated[0]}, so test would be learnt from; restore them.")
    files = [
        (cloud_file(root / name, classes=None, points=points, normals=normals), split)
        for name, split in listed
        if (root / name).is_file()
    ]
    if not files:
        raise DataError(f"none of the {len(listed)} files that the lists of {root} name is there; unpack it again.")
    missing = [name for name, _ in listed if not (root / name).is_file()]
    classes, known = _classes(root, [file for file, _ in files])
    items = [item for file, split in files for item in file.items(root, classes, split)]
    names = [name for file, _ in files for name in _own_names(file)]
    items = with_validation(items, validation, names=names)
    lists = all((root / f"{split}_files.txt").exists() for split in HALVES)
    splits = splits_in_words("train_files.txt, test_files.txt" if lists else "the files' names", validation)
    source = {
        **DATASET.describe(root, items, splits, missing=missing),
        **(_published(items) if known else {"published": {}, "classes_published": None}),
        "unnamed_classes": 0 if known else len({item.label for item in items}),
    }
    reader = h5_reader(points=points, up=up, normals=normals, names=shape_names, companions=_names_of)
    return Plan(root, items, reader, source, missing)


def _classes(root: Path, files: Sequence[CloudFile]) -> tuple[Sequence[str], bool]:
    """The names of the classes, in the order of the labels, and whether they are known at all."""
    labels = {int(label) for file in files for label in np.unique(file.labels)}
    told = implied_names(
        (_id2file(file.path), file.labels.tolist(), classes) for file in files if (classes := _told_classes(file))
    )
    listing = root / SHAPE_NAMES
    names = agreed_names(listing, listed_names(listing), told, labels)
    if names:
        return names, True
    folder = root.resolve().name.lower()
    if len(labels) == len(MODELNET40) > max(labels) or ("modelnet40" in folder and 9 < max(labels) < 40):
        return MODELNET40, True
    if "modelnet10" in folder and max(labels) == 9:
        return MODELNET10, True
    return by_number(labels), False


def _told_classes(file: CloudFile) -> list[str]:
    """The class of each shape of a file, if the files next to it name the shapes or their classes."""
    path = _list_of(file.path, "id2name")
    if path is not None:
        return _of_all(path, file, read_names(path, "the classes of shapes"))
    return [class_of(name) for name in _of_all(_id2file(file.path), file, shape_names(file.path))]


def _published(items: Sequence[Item]) -> dict[str, object]:
    """The published counts of the release with these classes; ModelNet40 lacks three shapes here."""
    found = published_release(sorted({str(item.label) for item in items}))
    return found | ({"published": dict(DATASET.items)} if found["classes_published"] == 40 else {})


def _files(root: Path, split: str) -> list[str]:
    """Names of the files of a split, sorted."""
    path = root / f"{split}_files.txt"
    if path.exists():
        lines = [line.replace("\\", "/") for line in read_lines(path, "a list of .h5 files")]
        names = {PurePosixPath(line).name for line in lines if line}
    else:
        names = {file.name for prefix in _PREFIXES for file in root.glob(f"{prefix}{split}*.h5")}
    wrong = sorted(name for name in names if not name.endswith(".h5"))
    if wrong:
        raise DataError(f"{path} names {wrong[0]}, which is not an .h5 file; restore the list.")
    return sorted(names)


def _own_names(file: CloudFile) -> list[str]:
    """Names of the shapes of a file, as in the other releases if they are known."""
    known = _of_all(_id2file(file.path), file, shape_names(file.path))
    return [PurePosixPath(name).name for name in known] or file.row_names()


def _of_all(listing: Path, file: CloudFile, names: Sequence[str]) -> list[str]:
    """A name for each shape of a file, or none at all."""
    if names and len(names) != len(file.labels):
        raise DataError(
            f"{listing} names {len(names)} shapes where {file.path.name} has {len(file.labels)}; restore it, or delete "
            "it to do without the names."
        )
    return list(names)


def shape_names(path: Path) -> Sequence[str]:
    """`<class>/<class>_0001` for each shape of a file, in order; empty without its id2file file.

    Raises:
        DataError: it is there and wrong.
    """
    names = _id2file(path)
    return _read_names(names, names.stat().st_mtime_ns) if names.is_file() else ()


def _names_of(path: Path) -> list[Path]:
    return [_id2file(path)]


@lru_cache(maxsize=2)
def _read_names(path: Path, _changed: int) -> Sequence[str]:
    return [str(PurePosixPath(name).with_suffix("")) for name in read_names(path, "the names of shapes")]


def _id2file(path: Path) -> Path:
    """The names for a file, such as ply_data_train_0_id2file.json for ply_data_train0.h5; may be empty."""
    return _list_of(path, "id2file") or path.with_name(f"{path.stem}_id2file.json")


def _list_of(path: Path, what: str) -> Path | None:
    """The list for a file, with or without an underscore before its number."""
    numbered = _NUMBERED.fullmatch(path.stem)
    stems = [*([f"{numbered[1].removesuffix('_')}_{numbered[2]}"] if numbered else []), path.stem]
    found = (path.with_name(f"{stem}_{what}.json") for stem in stems)
    return next((each for each in found if each.is_file()), None)


DATASET = Dataset(
    name="modelnet-h5",
    title="ModelNet40 as 2,048 points a shape in HDF5",
    kind="points",
    licence="for academic use; the copyright of the meshes lies with their authors",
    source="Qi et al., PointNet: deep learning on point sets for 3D classification and segmentation, CVPR 2017",
    tree="ply_data_train0.h5 … ply_data_test1.h5\ntrain_files.txt\ntest_files.txt\nshape_names.txt",
    marks=("ply_data_train*.h5", "ply_data_test*.h5", "train_files.txt", "train[0-9].h5", "test[0-9].h5"),
    plan=plan_modelnet_h5,
    items={"train": 9_840, "test": 2_468},
    classes=40,
    archives=(Archive("modelnet40_ply_hdf5_2048.zip"),),
    by_hand=(
        "Get modelnet40_ply_hdf5_2048.zip (MD5 c9ab8e6dfb16f67afdab25e155c79e59), which the authors of PointNet "
        "(github.com/charlesq34/pointnet) link to, and put it into a folder of its own."
    ),
)
