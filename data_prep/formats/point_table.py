"""Text files of points, one a line: numbers between commas, semicolons or white space, some of them behind a header."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

_NOT_TOLD = re.compile(r"; use `usecols`.*| at row [0-9]+, column [0-9]+\.?$")  # numpy: hints, and rows from 0


@dataclass(frozen=True)
class Head:
    """What stands above the numbers.

    Attributes:
        lines: how many lines that is.
        names: of the columns; empty where they have none.
        count: of the points that follow, as .pts files begin; None where it is not said.
    """

    lines: int = 0
    names: Sequence[str] = ()
    count: int | None = None


def read_head(path: str | Path, required: Sequence[str]) -> Head:
    """The head of a text file: remarks (# or //), the names of its columns, a count of its points, or none of those.

    Args:
        path: of the file.
        required: names that a line has to hold to be taken for those of the columns, lower case; the line may say them
            in capitals, between quotation marks, or behind # or //. A remark that holds more or fewer words than the
            rows have cells is only a remark.

    Raises:
        DataError: the file is missing or no text, or its rows have more or fewer cells than its header has names.
    """
    lines, names, count, remarked, cells = 0, [], None, False, 0
    try:
        with open(path, encoding="utf-8-sig") as file:
            for line in file:
                text = line.strip()
                remark = text.startswith(("#", "//"))
                words = _words(text.lstrip("#/"))
                if set(required) <= {word.lower() for word in words}:
                    names, remarked = words, remark
                elif not remark and len(words) == 1 and words[0].isdecimal() and count is None:
                    count = int(words[0])
                elif text and not remark:
                    cells = len(words)
                    lines += _are_places(words, next(file, ""))
                    break
                lines += 1
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8; restore it or leave it out.") from None
    if cells and names and cells != len(names):
        if not remarked:
            raise DataError(
                f"{path} names {len(names)} columns ({', '.join(names)[:60]}) where its rows have {cells} cells; mend "
                "the header, or put commas between cells."
            )
        names = []
    return Head(lines, names, count)


def _words(line: str) -> list[str]:
    """The cells of a line; the first may be empty, where rows are numbered.

    >>> _words(' X Y  Z '), _words(',"x",y'), _words("x; y;")
    (['X', 'Y', 'Z'], ['', 'x', 'y'], ['x', 'y', ''])
    """
    cells = line.strip(" \r\n").split(_separator(line))
    return [cell.strip().strip('"') for cell in cells]


def _are_places(words: Sequence[str], following: str) -> bool:
    """Whether a line is 0, 1, 2, …, as pandas names columns that have no names, and no point like the one below it.

    >>> _are_places(["0", "1", "2"], "0.5,1.5,2.5"), _are_places(["0", "1", "2"], "0,1,3")
    (True, False)
    """
    return len(words) >= 3 and list(words) == [str(place) for place in range(len(words))] and "." in following


def _separator(line: str) -> str | None:
    """Between cells; None is white space."""
    return next((sign for sign in (";", ",") if sign in line), None)


def read_points(
    path: str | Path, columns: int | None = None, *, skip: int = 0, use: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """All numbers of a text file, as many in every line.

    Args:
        path: numbers between commas or semicolons, or all between spaces or tabs; empty lines are passed over.
        columns: how many a line should hold; any number, the same in every line, where None.
        skip: lines above the first of them.
        use: which columns to read, counted from 0, where others may hold anything; all where None.

    Returns:
        (N, columns), as the file has them: NaN and infinity are not refused.

    Raises:
        DataError: the file is missing, empty, not numbers, or a line holds more or fewer of them.
    """
    path = Path(path)
    try:
        with open(path, encoding="utf-8-sig") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file, which is refused below
            separator = _separator(_first_line(file, skip))
            numbers = np.loadtxt(file, delimiter=separator, comments=None, ndmin=2, skiprows=skip, usecols=use)
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


def _first_line(file: TextIO, skip: int) -> str:
    """The first line behind those skipped that holds something; the file is at its beginning again."""
    line = next((line for line in islice(file, skip, None) if line.strip()), "")
    file.seek(0)
    return line
