"""File names that are not UTF-8, which no table can hold."""

import os
from pathlib import Path

from randquant.errors import DataError


def utf8_name(path: str) -> str:
    """A file name as valid UTF-8: bytes that are not, which Python holds as lone surrogates, are escaped."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def require_utf8(path: str | Path) -> None:
    """Refuse a name that is not UTF-8.

    Raises:
        DataError: it is not; the sentence shows the bytes.
    """
    shown = utf8_name(os.fspath(path))
    if shown != os.fspath(path):
        raise DataError(f"{shown}: the file name is not valid UTF-8; rename it.")
