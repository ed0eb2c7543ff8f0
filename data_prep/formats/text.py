"""Text files as they are written (UTF-8, UTF-16, or numbers with remarks in an older encoding) and their numbers."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from randquant.errors import DataError
from randquant.files.first_bytes import text_encoding

_HEAD = 4096  # bytes that are looked at
LONG = 1 << 15  # bytes of text that are worth compiled code


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file in its encoding, with any line ends; bytes that are not UTF-8 become lone surrogates.

    Raises:
        DataError: it cannot be read, or is not text of its encoding.
    """
    try:
        with open(path, "rb") as head:
            encoding = text_encoding(head.read(_HEAD))
        if encoding is None:
            raise DataError(f"{path} is not text, it holds zero bytes; restore it or leave it out.")
        errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
        with open(path, encoding=encoding, errors=errors) as file:
            yield file
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except UnicodeError:
        raise DataError(f"{path} is not text of its encoding; restore it or leave it out.") from None


def excerpt(text: str | bytes) -> str:
    """A short, printable ASCII excerpt for a message, in quotation marks.

    >>> excerpt("a" * 50 + chr(16)), excerpt("1 " + chr(16)), excerpt(b" 1 ")
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'", "'1 \\\\x10'", "'1'")
    """
    if isinstance(text, bytes):
        return repr(text.strip()[:60].decode("ascii", errors="backslashreplace"))
    text = text.strip("\r\n ")
    return ascii(text[:40])[:-1] + ("…'" if len(text) > 40 else ascii(text[:40])[-1])


def text_numbers(text: bytes, dtype: DTypeLike = np.float64) -> NDArray | None:
    """All numbers of a text, (n,); None if it holds anything else.

    >>> text_numbers(b"1 2.5\\n -3e2 nan"), text_numbers(b"1 two")
    (array([   1. ,    2.5, -300. ,    nan]), None)
    """
    if len(text) >= LONG and (found := _compiled_numbers(text, np.dtype(dtype))) is not None:
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy tells that it met something else
        try:
            return np.fromstring(text, dtype=dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def _compiled_numbers(text: bytes, dtype: np.dtype) -> NDArray | None:
    """The same numbers by compiled code; None where there is none, or where it leaves the text to numpy."""
    if dtype not in (np.float64, np.int64) or not has_compiled_readers():
        return None
    from randquant.kernels.compiled.numbers import numbers

    found = np.empty(len(text) // 2 + 1, dtype=dtype)
    count = numbers(np.frombuffer(text, dtype=np.uint8), found, dtype == np.int64)
    return found[:count].copy() if count > 0 else None


@cache
def has_compiled_readers() -> bool:
    """Whether compiled code reads text; not without numba, or where it compiles nothing."""
    try:
        from randquant.kernels.compiled.numbers import numbers

        numbers(np.frombuffer(b"1", dtype=np.uint8), np.empty(1), False)
    except Exception:  # whatever a compiler of another version, or for another machine, may find
        return False
    return True


def triples(rows: Sequence[Sequence[bytes]]) -> NDArray[np.float64] | int:
    """(n, 3) numbers of rows of three words; the place of the first row that is not three numbers where there is one.

    >>> triples([[b"1", b"2", b"3"]]), triples([[b"1", b"2", b"3"], [b"4", b"5"]])
    (array([[1., 2., 3.]]), 1)
    """
    numbers = text_numbers(b" ".join(word for row in rows for word in row))
    if numbers is not None and len(numbers) == 3 * len(rows):
        return numbers.reshape(-1, 3)
    counts = (text_numbers(b" ".join(row)) for row in rows)
    return next(place for place, found in enumerate(counts) if found is None or len(found) != 3)


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
            raise DataError(
                f"{path} line {number} below its header reads {excerpt(line)} where numbers are expected; fix it."
            )
    raise DataError(f"{path} has something other than numbers below its header; restore it.")
