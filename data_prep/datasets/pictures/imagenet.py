"""ImageNet, ILSVRC 2012 (Russakovsky et al., IJCV 2015): 1,281,167 pictures of any size, 1,000 classes.

The root holds the folders, as most copies have them, or Kaggle's tree, or the archives as downloaded:

    train/<wnid>/<wnid>_<n>.JPEG
    val/<wnid>/ILSVRC2012_val_<n>.JPEG        or flat: val/ILSVRC2012_val_<n>.JPEG
    ILSVRC/Data/CLS-LOC/train, val            Kaggle's, with LOC_val_solution.csv
    ILSVRC2012_img_train.tar (a tar a class in it), ILSVRC2012_img_val.tar, ILSVRC2012_devkit_t12.tar.gz

Label: the WordNet id, as n01440764. Flat validation pictures have their classes from the devkit
(ILSVRC2012_validation_ground_truth.txt and meta.mat), from LOC_val_solution.csv, or from a table of one's own. Split:
test is the published validation set, whose labels everybody has and reports on; a share of each class of train becomes
valid. Any part of the classes may be there.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.datasets.pictures.imagenet_labels import find_labels, validation_labels
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.pictures import KEEP, Keep, pictures_reader
from randquant.data_prep.scan import sizes_below
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError

KAGGLE_TREE = "ILSVRC/Data/CLS-LOC"
_ABOVE = 3  # folders above the root that are searched for lists, as from Kaggle's CLS-LOC
_SUFFIXES = (".jpeg", ".jpg", ".png")
_WORDNET = re.compile(r"n[0-9]{8}")


def plan_imagenet(
    root: str | Path, *, val_labels: Path | None = None, validation: float = SHARE, keep: Keep = KEEP
) -> Plan:
    """The pictures of train, then those of the published validation set, sorted by path.

    Args:
        root: folder that holds train and val.
        val_labels: classes of the pictures in val where they lie in one folder: the devkit's list with meta.mat beside
            it, LOC_val_solution.csv, or a table with the columns path,label; by default looked for at the root.
        validation: share of each class of train that becomes valid; 0 for none.
        keep: raw, the pixels; encoded, the bytes of the files; auto, raw up to 128 x 128 pixels and else encoded.

    Raises:
        DataError: no such tree at `root`, class archives that are not unpacked, or nothing that names the classes of
            validation pictures.
        UsageError: `validation` is out of range.
    """
    check_share(validation)
    root = find_root(root, DATASET)
    prefix = f"{KAGGLE_TREE}/" if (root / KAGGLE_TREE).is_dir() else ""
    _refuse_packed(root / f"{prefix}train")
    train = {
        path: (size, label)
        for path, size in sizes_below(root, [f"{prefix}train"], _SUFFIXES, depth=2).items()
        if (label := _class_of(path)) is not None
    }
    tests = sizes_below(root, [f"{prefix}val"], _SUFFIXES, depth=2)
    labels, where = _test_labels(root, tests, val_labels)
    items = [Item(path, size, label, None, "train") for path, (size, label) in sorted(train.items())]
    items += [Item(path, tests[path], label, None, "test") for path, label in sorted(labels.items())]
    if not items:
        raise DataError(f"{root} holds no pictures in folders like train/n01440764; check the path.")
    names = [PurePosixPath(item.path).stem for item in items]
    items = with_validation(items, validation, names=names)
    source = {
        **DATASET.describe(root, items, splits_in_words(f"folders, test is val by {where}", validation)),
        "unlisted_pictures": len(tests) - len(labels),
        "missing_splits": [name for name, found in (("train", train), ("test", labels)) if not found],
    }
    return Plan(root, items, pictures_reader(keep), source)


def _class_of(path: str) -> str | None:
    """The WordNet id that a picture's folder is called by; None for any other."""
    folder = PurePosixPath(path).parent.name
    return folder if _WORDNET.fullmatch(folder) else None


def _test_labels(root: Path, tests: Mapping[str, int], given: Path | None) -> tuple[dict[str, str], str]:
    """The class of each validation picture by its path, and what says so."""
    folders = {path: label for path in tests if (label := _class_of(path)) is not None}
    if given is None and (folders or not tests):
        return folders, "its folders"
    flat = sorted(path for path in tests if path not in folders)
    listing = given or find_labels([root, *root.absolute().parents[:_ABOVE]])
    if listing is None:
        raise DataError(
            f"{root} has {len(flat):,} validation pictures in one folder and nothing that names their classes; put "
            "ILSVRC2012_devkit_t12 or LOC_val_solution.csv there, or give a table with --val_labels."
        )
    names = sorted(tests) if given else flat
    told = validation_labels(listing, sorted(names, key=lambda path: PurePosixPath(path).name))
    found = {path: told[stem] for path in names if (stem := PurePosixPath(path).stem) in told}
    if not found:
        raise DataError(f"{listing} names none of the {len(names):,} validation pictures; give the right one.")
    return found, listing.name


def _refuse_packed(train: Path) -> None:
    packed = next(train.glob("n*.tar"), None) if train.is_dir() else None
    if packed is not None:
        raise DataError(
            f"{packed} is still packed; give --root the folder with ILSVRC2012_img_train.tar itself, or unpack each of "
            f"these into a folder of its name, as {packed.with_suffix('')}."
        )


DATASET = Dataset(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    kind="images",
    licence="for non-commercial research and education, by its terms of access",
    source="Russakovsky et al., ImageNet large scale visual recognition challenge, IJCV 2015",
    tree=(
        "train/n01440764/n01440764_10026.JPEG\n"
        "val/n01440764/ILSVRC2012_val_00000293.JPEG (or val/ILSVRC2012_val_00000293.JPEG\n"
        "and ILSVRC2012_devkit_t12/data or LOC_val_solution.csv)"
    ),
    marks=("train/n*", "val/n*", "val/ILSVRC2012_val_*", KAGGLE_TREE),
    plan=plan_imagenet,
    items={"train": 1_281_167, "test": 50_000},
    classes=1_000,
    archives=(
        Archive("ILSVRC2012_img_train.tar", into="train", nested=True),
        Archive("ILSVRC2012_img_val.tar", into="val"),
        Archive("ILSVRC2012_devkit_t12.tar.gz"),
    ),
    by_hand=(
        "Sign in at image-net.org and download ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and\n"
        "ILSVRC2012_devkit_t12.tar.gz into a folder of their own."
    ),
)
