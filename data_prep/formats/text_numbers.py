"""Fast parsing of white-space separated numbers."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from randquant.errors import DataError


def text_numbers(text: bytes, dtype: DTypeLike = np.float64) -> NDArray | None:
    """All numbers of a text, (n,); None if it holds anything else.

    >>> text_numbers(b"1 2.5\\n -3e2 nan"), text_numbers(b"1 two")
    (array([   1. ,    2.5, -300. ,    nan]), None)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy tells that it met something else
        try:
            return np.fromstring(text, dtype=dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def numbers_below_header(path: Path, text: bytes) -> NDArray[np.float64]:
    """All numbers after the header of a text file, (n,).

    Raises:
        DataError: there is anything else; it names the file and the line.
    """
    numbers = text_numbers(text)
    if numbers is not None:
        return numbers
    for number, line in enumerate(text.splitlines(), start=1):
        if text_numbers(line) is None:
            shown = line.strip()[:60].decode("ascii", errors="backslashreplace")
            raise DataError(
                f"{path} line {number} below its header reads {shown!r} where numbers are expected; fix it."
            )
    raise DataError(f"{path} has something other than numbers below its header; restore it.")
