"""Text files as they are written: UTF-8, UTF-16, or numbers with remarks in an older encoding."""

from pathlib import Path
from typing import TextIO

from randquant.errors import DataError
from randquant.files.first_bytes import text_encoding

_HEAD = 4096  # bytes that are looked at


def open_text(path: Path) -> TextIO:
    """Open a text file in its encoding, with any line ends; bytes that are not UTF-8 become lone surrogates.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        encoding = text_encoding(head)
        if encoding is None:
            raise DataError(f"{path} is no text, it holds zero bytes; restore it or leave it out.")
        return open(path, encoding=encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "strict")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None


def shown(text: str, most: int = 40) -> str:
    """A short, printable ASCII excerpt for a message.

    >>> shown("a" * 50 + chr(16)), shown("1 " + chr(16))
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'", "'1 \\\\x10'")
    """
    text = text.strip("\r\n ")
    return ascii(text[:most])[:-1] + ("…'" if len(text) > most else ascii(text[:most])[-1])
