"""Text files as they are written: UTF-8, UTF-16, or the numbers of an older encoding beside remarks in it."""

import codecs
from pathlib import Path
from typing import TextIO

from randquant.errors import DataError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 4096  # bytes that are looked at


def open_text(path: Path) -> TextIO:
    """A text file, opened with its encoding, any line ends; bytes that are no UTF-8 become lone surrogates.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _unmarked(path, head)
        return open(path, encoding=encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "strict")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None


def shown(text: str, most: int = 40) -> str:
    """A piece of a file for a message: short, printable, in ASCII.

    >>> shown("a" * 50 + chr(16)), shown("1 " + chr(16))
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'", "'1 \\\\x10'")
    """
    text = text.strip("\r\n ")
    return ascii(text[:most])[:-1] + ("…'" if len(text) > most else ascii(text[:most])[-1])


def _unmarked(path: Path, head: bytes) -> str:
    """UTF-8, or UTF-16 without a mark, whose every other byte is zero."""
    if b"\0" not in head:
        return "utf-8-sig"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even and odd > len(head) // 3:
        return "utf-16-le"
    if not odd and even > len(head) // 3:
        return "utf-16-be"
    raise DataError(f"{path} is no text, it holds zero bytes; restore it or leave it out.")
