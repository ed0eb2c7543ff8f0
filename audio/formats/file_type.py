"""The type of a file by its first bytes, regardless of its name."""

import os
import re
import stat
from pathlib import Path
from typing import IO

from randquant.errors import DataError
from randquant.files.first_bytes import is_lfs_pointer, is_utf16, is_web_page

HEAD = 4096  # bytes that tell

# What poses as a recording, by its first bytes.
_NO_SOUND: dict[str, bytes | tuple[bytes, ...]] = {
    "an HDF5 file": b"\x89HDF\r\n",
    "a Parquet table": b"PAR1",
    "a PNG picture": b"\x89PNG",
    "a JPEG picture": b"\xff\xd8\xff",
    "a GIF picture": b"GIF8",
    "a PDF document": b"%PDF",
    "a gzip archive; unpack it": b"\x1f\x8b",
    "a bzip2 archive; unpack it": b"BZh",
    "an xz archive; unpack it": b"\xfd7zXZ",
    "a 7z archive; unpack it": b"7z\xbc\xaf",
    "a RAR archive; unpack it": b"Rar!",
    "a Zstandard archive; unpack it": b"\x28\xb5\x2f\xfd",
    "a Python pickle": (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
    "a MIDI score, which holds notes and no sound": b"MThd",
    "a SQLite database": b"SQLite format 3",
    "a program": (b"\x7fELF", b"MZ"),
}
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]+")


def open_head(path: Path) -> tuple[IO[bytes], bytes]:
    """Open a file and read its first bytes, without blocking on a pipe.

    Raises:
        DataError: missing, a folder, a pipe, empty, or not to be read.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 handed on
        head = file.read(HEAD)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder where a recording is expected; give a file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({reason}); check its permissions and its disk.") from None
    if head and file.seekable():
        return file, head
    regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    file.close()
    if regular:
        raise DataError(f"{path} is empty (0 bytes); leave it out or restore it.")
    raise DataError(f"{path} is a pipe or a device where a file is expected; write what it gives into a file.")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def refuse_non_audio(path: Path, head: bytes) -> None:
    """Raise an error that names the type of a file that is not audio.

    Raises:
        DataError: its first bytes are those of a known kind of file that is not a recording.
    """
    if is_lfs_pointer(head):
        raise DataError(f"{path} is not audio but a Git LFS pointer to it; fetch the recording by: git lfs pull")
    kind = _zip_kind(path) if head.startswith(b"PK\x03\x04") else _named(head)
    if kind is not None:
        what, _, advice = kind.partition("; ")
        raise DataError(f"{path} is not audio but {what}; {advice or 'leave it out'}.")


def _named(head: bytes) -> str | None:
    if is_web_page(head):
        return "a web page (HTML) saved under another name; download it again"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<?xml"):
        return "an XML document"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if text.startswith((b"#extm3u", b"[playlist]", b"ffconcat")):
        return "a playlist, which names recordings and holds none"
    return next((kind for kind, magic in _NO_SOUND.items() if head.startswith(magic)), None)


def is_text(head: bytes) -> bool:
    """Whether these are the first bytes of a text, in UTF-16 only after the mark that it begins with."""
    if is_utf16(head):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace").replace("\ufeff", "")
        return len(text) > 1 and all(letter.isprintable() or letter.isspace() for letter in text[:200])
    return _TEXT.fullmatch(head) is not None


def _zip_kind(path: Path) -> str:
    """The kind of a ZIP archive by its member names; nothing is unpacked."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged ZIP archive; restore it or leave it out"
    if any(name.endswith(("/constants.pkl", "/data.pkl")) or name == "data.pkl" for name in names):
        scripted = any("/code/" in name for name in names)
        return "a TorchScript module" if scripted else "a PyTorch checkpoint"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    return "a ZIP archive; unpack it"
