"""A file's bytes, or one sentence about why they cannot be had."""

from pathlib import Path

from randquant.errors import DataError


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        DataError: it is missing, no file, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
