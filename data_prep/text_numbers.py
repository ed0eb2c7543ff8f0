"""Numbers between white space, many at once."""

import warnings

import numpy as np
from numpy.typing import DTypeLike, NDArray


def text_numbers(text: bytes, dtype: DTypeLike = np.float64) -> NDArray | None:
    """All numbers of a text, (n,); None where it holds anything else.

    >>> text_numbers(b"1 2.5\\n -3e2 nan"), text_numbers(b"1 two")
    (array([   1. ,    2.5, -300. ,    nan]), None)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy tells that it met something else
        try:
            return np.fromstring(text, dtype=dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
