"""The classes of ImageNet's validation pictures where they lie in one folder: by the devkit, or by a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.listing import read_lines
from randquant.errors import DataError, one_line

DEVKIT = "ILSVRC2012_devkit_t12"
TRUTH, META, KAGGLE = "ILSVRC2012_validation_ground_truth.txt", "meta.mat", "LOC_val_solution.csv"
_PLACES = ("", f"{DEVKIT}/data/", "data/", f"{DEVKIT}/{DEVKIT}/data/")
_MOST_BYTES = 16 << 20  # of meta.mat
_COLUMNS = ("ImageId", "PredictionString")
_OWN_COLUMNS = ("path", "label")


def find_labels(roots: Sequence[Path]) -> Path | None:
    """The devkit's list or Kaggle's table at one of some folders, or in the devkit's folder there."""
    names = [f"{place}{TRUTH}" for place in _PLACES] + [KAGGLE]
    found = (root / name for root in roots for name in names)
    return next((path for path in found if path.is_file()), None)


def validation_labels(path: Path, pictures: Sequence[str]) -> Mapping[str, str]:
    """The WordNet id of each picture, by its name without folder and suffix.

    Args:
        path: the devkit's list, with `meta.mat` beside it; Kaggle's table; or a table of path and label.
        pictures: all of them, sorted, since the devkit's list goes by their order.

    Raises:
        DataError: it cannot be read as what it is, or is of another number of pictures.
    """
    if path.suffix.lower() != ".csv":
        return _of_devkit(path, pictures)
    head = next(iter(read_lines(path, "a table of labels")), "")
    columns = _COLUMNS if "ImageId" in head else _OWN_COLUMNS
    rows = (row for _, row in read_csv(path, columns, "a table of labels"))
    return {PurePosixPath(row[columns[0]]).stem: row[columns[1]].split()[0] for row in rows}


def _of_devkit(path: Path, pictures: Sequence[str]) -> Mapping[str, str]:
    numbers = [line for line in read_lines(path, "the classes of the validation pictures") if line]
    if len(numbers) != len(pictures):
        raise DataError(
            f"{path} has {len(numbers):,} lines and there are {len(pictures):,} validation pictures, so their order "
            f"does not tell which is which; complete them, or give a table with --val_labels."
        )
    classes = _wordnet_ids(path.with_name(META))
    unknown = next((number for number in numbers if number not in classes), None)
    if unknown is not None:
        raise DataError(f"{path} names the class {unknown[:20]!r}, which {META} does not; get the devkit again.")
    stems = (PurePosixPath(name).stem for name in pictures)
    return {stem: classes[number] for stem, number in zip(stems, numbers, strict=True)}


def _wordnet_ids(path: Path) -> dict[str, str]:
    """The WordNet id of each class by its number, from the devkit's MATLAB file."""
    if not path.is_file():
        raise DataError(f"{path} is missing, which says what the numbers in {TRUTH} mean; get the devkit again.")
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path} is larger than the devkit's {META}; get the devkit again.")
    from scipy.io import loadmat

    try:
        synsets: Any = loadmat(path, variable_names=["synsets"])["synsets"]
        numbers = [int(np.asarray(number).item()) for number in synsets["ILSVRC2012_ID"].ravel()]
        wordnet = [str(np.asarray(name).item()) for name in synsets["WNID"].ravel()]
    except MemoryError:
        raise
    except Exception as error:  # a broken file may fail in any way at all
        reason = one_line(error)[:100] or type(error).__name__
        raise DataError(f"{path} is not the devkit's table of classes ({reason}); get the devkit again.") from None
    return {str(number): name for number, name in zip(numbers, wordnet, strict=True)}
