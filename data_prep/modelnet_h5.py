"""ModelNet40 as points (Qi et al., PointNet, CVPR 2017): 2,048 points of each shape, in seven HDF5 files.

The tree is that of `modelnet40_ply_hdf5_2048.zip`; the root is the folder `modelnet40_ply_hdf5_2048` in it:

    ply_data_train0.h5 … train4.h5, test0.h5, test1.h5     data (n, 2048, 3), label (n, 1), normal (n, 2048, 3)
    train_files.txt  test_files.txt                        a file a line; its name is what counts
    shape_names.txt                                        a class a line, in the order of the labels
    ply_data_train_0_id2file.json …                        <class>/<class>_0001.ply of each shape, in order

This release has 9,840 shapes of train where the others have 9,843. The files are read in the order of their names.
Split: the lists, or the files' names where there are none; since no validation split is published, a share of each
class of train becomes one, where the id2file files are there the same shapes as in the meshes of `modelnet`. The
points of a shape lie in random order, and published protocols take the first of them; so does a store. The shapes
stand on y.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_prep.cloud import check_points
from data_prep.cloud_h5 import CloudFile, cloud_file, h5_reader
from data_prep.dataset import Archive, Dataset
from data_prep.layout import find_root
from data_prep.listing import read_lines, read_names
from data_prep.modelnet import HALVES, MODELNET40
from data_prep.preparation import Plan
from data_prep.shapes import POINTS
from data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from pointcloud.geometry import Axis
from randquant.errors import DataError

_NUMBERED = re.compile(r"(.*?)([0-9]+)")


def plan_modelnet_h5(
    root: str | Path,
    *,
    points: int = POINTS,
    normals: bool = False,
    up: Axis = "y",
    validation: float = SHARE,
) -> Plan:
    """The shapes of all files that are there, train before test, by file, then by row.

    Files of the lists that are not there are counted as `missing`.

    Args:
        root: folder of the files.
        points: the first of each shape to keep.
        normals: whether to keep them too; some copies of the files have none.
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
    classes = _classes(root)
    listed = [(name, split) for split in HALVES for name in _files(root, split)]
    files = [
        (cloud_file(root / name, classes=len(classes), points=points, normals=normals), split)
        for name, split in listed
        if (root / name).is_file()
    ]
    if not files:
        raise DataError(f"none of the {len(listed)} files that the lists of {root} name is there; unpack it again.")
    missing = [name for name, _ in listed if not (root / name).is_file()]
    items = [item for file, split in files for item in file.items(root, classes, split)]
    names = [name for file, _ in files for name in _own_names(file)]
    items = with_validation(items, validation, names=names)
    splits = splits_in_words("train_files.txt, test_files.txt", validation)
    source = DATASET.describe(root, items, splits, missing=missing)
    return Plan(root, items, h5_reader(points=points, up=up, normals=normals, names=shape_names), source, missing)


def _classes(root: Path) -> Sequence[str]:
    path = root / "shape_names.txt"
    if not path.exists():
        return MODELNET40
    names = [line for line in read_lines(path, "the list of classes") if line]
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path} should name each class once, in the order of the labels; restore it.")
    return names


def _files(root: Path, split: str) -> list[str]:
    """Names of the files of a split, sorted."""
    path = root / f"{split}_files.txt"
    if path.exists():
        names = {PurePosixPath(line).name for line in read_lines(path, "a list of .h5 files") if line}
    else:
        names = {file.name for file in root.glob(f"ply_data_{split}*.h5")}
    wrong = sorted(name for name in names if not name.endswith(".h5"))
    if wrong:
        raise DataError(f"{path} names {wrong[0]}, which is no .h5 file; restore the list.")
    return sorted(names)


def _own_names(file: CloudFile) -> list[str]:
    """What the shapes of a file are called, the same as elsewhere where that is known."""
    known = shape_names(file.path)
    if known and len(known) != len(file.labels):
        raise DataError(
            f"{_id2file(file.path)} names {len(known)} shapes where {file.path.name} has {len(file.labels)}; restore "
            "it, or delete it to do without the names."
        )
    return [PurePosixPath(name).name for name in known] or file.row_names()


def shape_names(path: Path) -> Sequence[str]:
    """`<class>/<class>_0001` for each shape of a file, in order; none where its id2file file is not there.

    Raises:
        DataError: it is there and wrong.
    """
    names = _id2file(path)
    return _read_names(names, names.stat().st_mtime_ns) if names.is_file() else ()


@lru_cache(maxsize=2)
def _read_names(path: Path, _changed: int) -> Sequence[str]:
    return [str(PurePosixPath(name).with_suffix("")) for name in read_names(path, "the names of shapes")]


def _id2file(path: Path) -> Path:
    """The names that belong to a file: ply_data_train_0_id2file.json to ply_data_train0.h5."""
    numbered = _NUMBERED.fullmatch(path.stem)
    stem = f"{numbered[1]}_{numbered[2]}" if numbered else path.stem
    return path.with_name(f"{stem}_id2file.json")


DATASET = Dataset(
    name="modelnet-h5",
    title="ModelNet40 as 2,048 points a shape in HDF5",
    licence="for academic use; the copyright of the meshes lies with their authors",
    source="Qi et al., PointNet: deep learning on point sets for 3D classification and segmentation, CVPR 2017",
    tree="ply_data_train0.h5 … ply_data_test1.h5\ntrain_files.txt\ntest_files.txt\nshape_names.txt",
    marks=("ply_data_train*.h5", "ply_data_test*.h5", "train_files.txt"),
    plan=plan_modelnet_h5,
    items={"train": 9_840, "test": 2_468},
    classes=40,
    archives=(Archive("modelnet40_ply_hdf5_2048.zip"),),
    by_hand=(
        "Get modelnet40_ply_hdf5_2048.zip (MD5 c9ab8e6dfb16f67afdab25e155c79e59), which the authors of PointNet "
        "(github.com/charlesq34/pointnet) link to, and put it into a folder of its own."
    ),
)
