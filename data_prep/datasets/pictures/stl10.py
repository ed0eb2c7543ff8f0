"""STL-10 (Coates, Ng, Lee, AISTATS 2011): 13,000 pictures of 96 x 96 pixels in ten classes, and 100,000 without labels.

The tree is that of `stl10_binary.tar.gz`; the root is the folder `stl10_binary` in it:

    train_X.bin, train_y.bin    test_X.bin, test_y.bin    unlabeled_X.bin
    class_names.txt             a class a line, in the order of the labels 1 to 10
    fold_indices.txt            ten lines, each of 1,000 pictures of train, counted from 0

A picture is its red plane, then the green, then the blue, each column by column. Split: the files; those without labels
are in none. Since no validation split is published, a share of each class of train becomes one. The official protocol
trains on each of the ten folds and tests on all of test: the manifest's column `folds` says which folds, from 1 to 10,
a picture of train is in, and `--fold` makes the others of train unused.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.engine.plan import Item, Plan, Reading
from randquant.data_prep.engine.row_files import file_stamp, row_reader
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines
from randquant.data_prep.pictures import pixel_columns
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError, UsageError

SIDE = 96
PIXELS = 3 * SIDE * SIDE
CLASSES = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
FILES = {"train": "train", "test": "test", "unlabeled": None}  # the part: its split
FOLDS, FOLD_SIZE = 10, 1_000
FOLD_LIST = "fold_indices.txt"
_REMEDY = "unpack the archive again"


def plan_stl10(root: str | Path, *, fold: int | None = None, validation: float = SHARE) -> Plan:
    """The pictures of all available files: train, test, those without labels, in their order.

    Files that are not there are counted as `missing`.

    Args:
        root: folder of the files.
        fold: train on the 1,000 pictures of this official fold alone, 1 to 10; the others of train are in no split.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such files at `root`, or one is damaged.
        UsageError: `validation` or `fold` is out of range.
    """
    check_share(validation)
    if fold is not None and not 1 <= fold <= FOLDS:
        raise UsageError(f"--fold should be 1 to {FOLDS}, got {fold}.")
    root = find_root(root, DATASET)
    parts = [part for part in FILES if (root / f"{part}_X.bin").is_file()]
    missing = [f"{part}_X.bin" for part in FILES if part not in parts]
    names = _classes(root / "class_names.txt")
    items = [item for part in parts for item in _items(root, part, names)]
    if not items:
        raise DataError(f"{root} holds none of {', '.join(missing)}; {_REMEDY}.")
    folds = _folds(root / FOLD_LIST) if fold is not None else ()
    if fold is not None:
        if len(folds) != FOLDS:
            raise DataError(f"{root} lacks {FOLD_LIST}, which --fold goes by; {_REMEDY}.")
        chosen = set(folds[fold - 1])
        items = [
            replace(item, split=None) if item.split == "train" and _row(item) not in chosen else item for item in items
        ]
    items = with_validation(items, validation)
    source = {**DATASET.describe(root, items, splits_in_words("the files", validation), missing=missing)}
    if fold is not None:
        whole = DATASET.items
        unused = whole["unused"] + whole["train"] - FOLD_SIZE
        source |= {"fold": fold, "published": {**whole, "train": FOLD_SIZE, "unused": unused}}
    reader = row_reader(_read_row, {"keep": "raw"}, _companions, kind="images")
    return Plan(root, items, reader, source, missing)


def _items(root: Path, part: str, names: Sequence[str]) -> list[Item]:
    path = root / f"{part}_X.bin"
    size = path.stat().st_size
    if not size or size % PIXELS:
        raise DataError(f"{path} has {size:,} bytes, which is not a number of pictures; {_REMEDY}.")
    labels: list[str | None] = [None] * (size // PIXELS)
    if part != "unlabeled":
        listing = root / f"{part}_y.bin"
        numbers = _bytes(listing)
        if len(numbers) != len(labels) or numbers.min() < 1 or numbers.max() > len(names):
            raise DataError(
                f"{listing} should hold {len(labels):,} labels from 1 to {len(names)}, as many as {path.name} has "
                f"pictures; {_REMEDY}."
            )
        labels = [names[number - 1] for number in numbers.tolist()]
    return [Item(path.name, PIXELS, label, None, FILES[part], (row, row + 1)) for row, label in enumerate(labels)]


def _row(item: Item) -> int:
    return item.window[0] if item.window else 0


def _classes(path: Path) -> list[str]:
    if not path.is_file():
        return CLASSES
    names = [line for line in read_lines(path, "the list of classes") if line]
    if len(names) != len(CLASSES) or len(set(names)) != len(CLASSES):
        raise DataError(f"{path} should name {len(CLASSES)} classes; {_REMEDY}.")
    return names


def _bytes(path: Path) -> NDArray[np.uint8]:
    try:
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {_REMEDY}.") from None


def _read_row(path: Path, row: int) -> Reading:
    """A picture's pixels, (H * W * 3,), and its folds as column `folds`."""
    try:
        columns = np.fromfile(path, np.uint8, PIXELS, offset=row * PIXELS)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    if len(columns) < PIXELS:
        raise DataError(f"{path} ends before picture {row}; {_REMEDY}.")
    pixels = columns.reshape(3, SIDE, SIDE).transpose(2, 1, 0)
    listing = path.with_name(FOLD_LIST)
    held = _folds_of_rows(listing, file_stamp(listing)) if path.name == "train_X.bin" and listing.is_file() else {}
    return pixel_columns(SIDE, SIDE) | {"folds": held.get(row)}, [np.ascontiguousarray(pixels).reshape(-1)]


def _companions(path: Path) -> list[Path]:
    return [path.with_name(FOLD_LIST)] if path.name == "train_X.bin" else []


@lru_cache(maxsize=1)
def _folds_of_rows(path: Path, _stamp: tuple[int, int]) -> dict[int, str]:
    """The folds of each picture of train that is in any, as in "1 4 10"."""
    found: dict[int, list[str]] = {}
    for number, rows in enumerate(_folds(path), start=1):
        for row in rows:
            found.setdefault(row, []).append(str(number))
    return {row: " ".join(numbers) for row, numbers in found.items()}


def _folds(path: Path) -> list[list[int]]:
    """The pictures of each official fold; empty where there is no list."""
    if not path.is_file():
        return []
    lines = [line.split() for line in read_lines(path, "the list of folds") if line]
    if len(lines) != FOLDS or not all(word.isascii() and word.isdecimal() for words in lines for word in words):
        raise DataError(f"{path} should hold {FOLDS} lines of numbers; {_REMEDY}.")
    return [[int(word) for word in words] for words in lines]


DATASET = Dataset(
    name="stl10",
    title="STL-10",
    kind="images",
    licence="none stated; the pictures are from ImageNet",
    source="Coates, Ng, Lee, An analysis of single-layer networks in unsupervised feature learning, AISTATS 2011",
    tree="train_X.bin\ntrain_y.bin\ntest_X.bin\ntest_y.bin\nunlabeled_X.bin\nclass_names.txt\nfold_indices.txt",
    marks=("train_X.bin", "test_X.bin", "unlabeled_X.bin"),
    plan=plan_stl10,
    items={"train": 5_000, "test": 8_000, "unused": 100_000},
    classes=len(CLASSES),
    archives=(Archive("stl10_binary.tar.gz"),),
    downloads=(
        Download(
            "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
            "stl10_binary.tar.gz",
            md5="91f7769df0f17e558f3565bffb0c7dfb",
        ),
    ),
)
