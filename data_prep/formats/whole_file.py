"""A file's bytes, or one sentence about why they cannot be had."""

from pathlib import Path

from randquant.errors import DataError

_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = (b"<!doctype html", b"<html")
_HEAD = 256  # bytes that tell what a file is


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        DataError: it is missing, no file, may not be read, or is a Git LFS pointer.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    if data.startswith(_LFS):
        raise DataError(_told(path, data) or "")
    return data


def stand_in(path: Path) -> str | None:
    """What a file is that stands where another should: a Git LFS pointer or a saved web page, in one sentence.

    Whoever lists unreadable files asks this first, whatever their reader said: None where it is neither.
    """
    try:
        with open(path, "rb") as file:
            return _told(path, file.read(_HEAD))
    except OSError:
        return None


def _told(path: Path, head: bytes) -> str | None:
    if head.startswith(_LFS):
        return f"{path} is a Git LFS pointer instead of the file it stands for; run git lfs pull."
    if head.lstrip().lower().startswith(_HTML):
        return f"{path} is a web page (HTML) saved under another name; download it again."
    return None
