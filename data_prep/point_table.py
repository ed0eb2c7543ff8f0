"""Text files of points, one a line: numbers between commas or white space."""

import re
import warnings
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

_NOT_TOLD = re.compile(r"; use `usecols`.*| at row [0-9]+, column [0-9]+\.?$")  # numpy: hints, and rows from 0


def read_points(path: str | Path, columns: int | None = None) -> NDArray[np.float64]:
    """All numbers of a text file, as many in every line.

    Args:
        path: numbers between commas, or all between spaces or tabs; empty lines are passed over.
        columns: how many a line should hold; any number, the same in every line, where None.

    Returns:
        (N, columns), as the file has them: NaN and infinity are not refused.

    Raises:
        DataError: the file is missing, empty, not numbers, or a line holds more or fewer of them.
    """
    path = Path(path)
    try:
        with open(path, encoding="utf-8") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file, which is refused below
            separator = "," if "," in _first_line(file) else None
            numbers = np.loadtxt(file, delimiter=separator, comments=None, ndmin=2)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError as error:
        reason = _NOT_TOLD.sub("", str(error))
        raise DataError(f"{path} is no table of numbers ({reason}); restore it or leave it out.") from None
    if not numbers.size:
        raise DataError(f"{path} holds no points; restore it or leave it out.")
    if columns is not None and numbers.shape[1] != columns:
        raise DataError(f"{path} has {numbers.shape[1]} columns where {columns} are expected; restore the file.")
    return numbers


def _first_line(file: TextIO) -> str:
    """The first line that holds something; the file is at its beginning again."""
    line = next((line for line in file if line.strip()), "")
    file.seek(0)
    return line
