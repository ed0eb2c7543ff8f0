"""The files of CIFAR-10 and CIFAR-100, as pickles of Python 2 or as rows of bytes: 32 x 32 pixels, planes R, G, B."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Reading
from randquant.data_prep.engine.row_files import file_stamp
from randquant.data_prep.listing import read_lines
from randquant.data_prep.pictures import pixel_columns
from randquant.errors import DataError
from randquant.weights.safe_pickle import read_pickle

SIDE = 32
PIXELS = 3 * SIDE * SIDE
BINARY = ".bin"
_REMEDY = "download the archive again"


@dataclass(frozen=True)
class CifarFile:
    """The content of one file.

    Attributes:
        pixels: (n, 3072) uint8: the red plane by rows, then the green, then the blue.
        labels: by the name of the label ("labels"; "fine_labels", "coarse_labels"), n numbers each.
        names: of the pictures' own files; empty in the binary version, which has none.
    """

    pixels: NDArray[np.uint8]
    labels: dict[str, NDArray[np.int64]]
    names: Sequence[str]


def cifar_file(path: Path, labels: Sequence[str]) -> CifarFile:
    """Read a file.

    Args:
        path: of a pickle, or of the binary version where it ends in `.bin`.
        labels: the names of the labels, in the order of the binary version's bytes.

    Raises:
        DataError: it is missing, damaged, or holds something else.
    """
    return _content(path, tuple(labels), file_stamp(path))


def read_row(path: Path, row: int, *, labels: tuple[str, ...]) -> Reading:
    """The pixels of one picture, (H * W * 3,), and the name of its own file as column `picture`, where known."""
    file = cifar_file(path, labels)
    pixels = file.pixels[row].reshape(3, SIDE, SIDE).transpose(1, 2, 0)
    columns = pixel_columns(SIDE, SIDE) | {"picture": file.names[row] if file.names else None}
    return columns, [np.ascontiguousarray(pixels).reshape(-1)]


def class_names(root: Path, table: str, key: str, listing: str, count: int) -> list[str]:
    """The names of classes in the order of the labels, from the pickle `table` or the text file `listing`.

    Raises:
        DataError: neither is there, or it does not name `count` classes.
    """
    path = root / table
    if path.is_file():
        content = read_pickle(path)
        found: Any = content.get(key) if isinstance(content, dict) else None
    else:
        path = root / listing
        found = [line for line in read_lines(path, "the list of classes") if line]
    if not isinstance(found, list) or len({*map(str, found)}) != count or len(found) != count:
        raise DataError(f"{path} should name {count} classes; {_REMEDY}.")
    return [str(name) for name in found]


@lru_cache(maxsize=1)
def _content(path: Path, labels: tuple[str, ...], _stamp: tuple[int, int]) -> CifarFile:
    return _binary(path, labels) if path.suffix == BINARY else _pickled(path, labels)


def _binary(path: Path, labels: tuple[str, ...]) -> CifarFile:
    data = np.fromfile(path, np.uint8)
    width = len(labels) + PIXELS
    if not len(data) or len(data) % width:
        raise DataError(f"{path} has {len(data):,} bytes, which is not a number of pictures; {_REMEDY}.")
    rows = data.reshape(-1, width)
    found = {name: rows[:, place].astype(np.int64) for place, name in enumerate(labels)}
    return CifarFile(rows[:, len(labels) :], found, ())


def _pickled(path: Path, labels: tuple[str, ...]) -> CifarFile:
    content = read_pickle(path)
    content = content if isinstance(content, dict) else {}
    # Python 3 that read the original and wrote it again has the names as bytes.
    content = {name.decode() if isinstance(name, bytes) else name: value for name, value in content.items()}
    pixels = content.get("data")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise DataError(f"{path} holds no array data of rows of {PIXELS:,} bytes; {_REMEDY}.")
    found = {}
    for name in labels:
        numbers = content.get(name)
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            raise DataError(f"{path} holds no list {name} of numbers; {_REMEDY}.")
        found[name] = np.asarray(numbers, dtype=np.int64)
    names = content.get("filenames") or ()
    if any(len(each) != len(pixels) for each in (*found.values(), *([names] if names else []))):
        raise DataError(f"{path} has {len(pixels):,} pictures and another number of labels or names; {_REMEDY}.")
    return CifarFile(pixels, found, [str(name) for name in names])
