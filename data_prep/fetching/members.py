"""Members of a tar or zip archive, checked before they are written, since archives are not trusted.

The standard library reads and writes them, tar with `filter="data"`. It would repair hostile names and write hostile
sizes; here both are refused, and so are links and devices, which no archive of recordings or shapes holds.
"""

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from randquant.data_prep.layout import UNPACKED

_LONGEST = 1 << 20  # bytes of a tar header that announces a long name or other properties
_LITTER = ("__MACOSX", ".DS_Store")
_KINDS = {  # of a tar's entries
    **dict.fromkeys((tarfile.SYMTYPE, tarfile.LNKTYPE), stat.S_IFLNK),
    tarfile.DIRTYPE: stat.S_IFDIR,
}
_OPENERS: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}


@dataclass(frozen=True)
class Limits:
    """Limits on the extracted size and number of members of an archive.

    Attributes:
        member: bytes of one member.
        floor, ratio: bytes in all: `floor`, or `ratio` times the archive's own size where that is more.
        members: files and folders.
    """

    member: int = 4 << 30
    floor: int = 4 << 30
    ratio: int = 50
    members: int = 10_000_000


class UnsafeMember(Exception):
    """What an archive has that archives of recordings do not have; completes "the archive ..."."""


class Checked:
    """The checked members of one archive of `size` bytes."""

    def __init__(self, limits: Limits, size: int) -> None:
        self._limits, self._size = limits, size
        self._left = self._total = max(limits.floor, limits.ratio * size)
        self._members = 0

    def name(self, name: str, size: int, kind: int) -> str:
        """Where a member goes below the folder; "" for macOS's metadata files, which are skipped.

        Args:
            name: as the archive has it.
            size: bytes; the standard library writes no more than announced.
            kind: its file type, as in `stat`; 0 where the archive has none.

        Raises:
            UnsafeMember: it leads out of the folder, is neither file nor folder, or breaks the limits.
        """
        self._members += 1
        if self._members > self._limits.members:
            raise UnsafeMember(f"has more than {self._limits.members:,} members")
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:[/\\]", name):
            raise UnsafeMember(f"has a member with an absolute path ({_shown(name)})")
        if ".." in parts:
            raise UnsafeMember(f"has a member that leads out of its folder ({_shown(name)})")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeMember(f"has a {'link' if kind == stat.S_IFLNK else 'device or the like'} ({_shown(name)})")
        if not parts or parts[0] == UNPACKED or any(part[:2] == "._" or part in _LITTER for part in parts):
            return ""
        self._left -= size
        if size > self._limits.member:
            raise UnsafeMember(f"has a member of {gigabytes(size)} ({_shown(name)})")
        if self._left < 0:
            raise UnsafeMember(f"expands to more than {gigabytes(self._total)} from {gigabytes(self._size)}")
        return "/".join(parts)


def extract_tar(file: IO[bytes], form: str, folder: Path, checked: Checked, advance: Callable[[], object]) -> None:
    """Extract a tar, read once and in order, to the end of the compressed stream where its checksum is.

    `form` is "tar", or its compression: "gzip", "bzip2" or "xz"; `advance` is called after each member.
    """
    stream = _OPENERS[form](file) if form in _OPENERS else file
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        for header in archive:
            kind = stat.S_IFREG if header.isreg() else _KINDS.get(header.type, stat.S_IFCHR)
            if name := checked.name(header.name, header.size, kind):
                archive.extract(header.replace(name=name, deep=False), folder, set_attrs=False, filter="data")
            archive.members = []  # type: ignore[attr-defined]  # millions of headers would stay in memory
            advance()
    while stream.read(_LONGEST):
        pass


class _Header(tarfile.TarInfo):
    """A header that is an error where it is damaged: tarfile takes it, after the first, for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        """One block of the archive, read as a header."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}") from None
        if header.size < 0 or (header.type in b"xgXLK" and header.size > _LONGEST):
            raise tarfile.ReadError("a header announces an impossible size")
        return header


def extract_zip(members: Iterable[zipfile.ZipInfo], archive: zipfile.ZipFile, folder: Path, checked: Checked) -> None:
    """Extract members of a zip into a folder."""
    for member in members:
        if name := checked.name(member.filename, member.file_size, stat.S_IFMT(member.external_attr >> 16)):
            member.filename = f"{name}/" if member.is_dir() else name
            archive.extract(member, folder)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()[:80]


def gigabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
