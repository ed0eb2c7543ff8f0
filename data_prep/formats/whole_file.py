"""A file's bytes, or one sentence about why they cannot be read."""

from pathlib import Path

from randquant.errors import DataError
from randquant.files.first_bytes import is_lfs_pointer, is_utf16, is_web_page

_ARE_ZIP = (".npz",)  # by their own format
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\3\4": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_HEAD = 256  # bytes that tell what a file is


def read_bytes(path: Path) -> bytes:
    """Read all bytes of a file.

    Raises:
        DataError: it is missing, no file, may not be read, is what `stand_in` tells of, or text in UTF-16.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # of a name that no file can have, ValueError
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', error)}); check the path.") from None
    reason = _told(path, data[:_HEAD])
    if reason is not None:
        raise DataError(reason)
    if is_utf16(data):
        raise DataError(f"{path} is text in UTF-16 where UTF-8 is read; save it as that.")
    return data


def stand_in(path: Path) -> str | None:
    """Describe a file saved in place of the expected one: a Git LFS pointer, a web page, an archive.

    Whoever lists unreadable files asks this first, whatever their reader said: None where it is none of them.
    """
    try:
        with open(path, "rb") as file:
            return _told(path, file.read(_HEAD))
    except OSError:
        return None


def _told(path: Path, head: bytes) -> str | None:
    if is_lfs_pointer(head):
        return f"{path} is a Git LFS pointer instead of the file it stands for; run git lfs pull."
    if is_web_page(head):
        return f"{path} is a web page (HTML) saved under another name; download it again."
    packed = next((name for sign, name in _PACKED.items() if head.startswith(sign)), None)
    if packed is not None and path.suffix.lower() not in _ARE_ZIP:
        return f"{path} is compressed ({packed}), which its name does not say; unpack it."
    return None
