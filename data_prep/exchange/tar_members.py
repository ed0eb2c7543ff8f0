"""The members of a TAR file, found by their headers and read in place: nothing is unpacked."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from randquant.data_prep.engine.row_files import file_stamp
from randquant.data_prep.formats.whole_file import stand_in
from randquant.errors import DataError, one_line

_BLOCK = 512  # bytes of a header


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a TAR file.

    Attributes:
        name: as the archive says, with slashes.
        start: of its headers, in bytes from the beginning of the archive.
        data: of its content.
        size: of its content.
    """

    name: str
    start: int
    data: int
    size: int

    @property
    def stop(self) -> int:
        """The end of its content."""
        return self.data + self.size


@dataclass
class Archive:
    """The members of one archive.

    Attributes:
        path: of the archive.
        members: its files, in their order; folders and links are passed over.
        damage: where it ends too early or holds something else, one sentence; None where it is whole.
        links: how many members are links, which are not followed.
    """

    path: Path
    members: list[Member]
    damage: str | None = None
    links: int = 0

    def content(self, member: Member) -> bytes:
        """A member's bytes.

        Raises:
            DataError: the archive cannot be read.
        """
        file = _opened(self.path, file_stamp(self.path))
        file.seek(member.data)
        return file.read(member.size)


def members_of(path: Path) -> Archive:
    """The members of an archive, by one pass over its headers; whatever comes before damage is kept.

    Raises:
        DataError: it is missing or no TAR file at all, as when it is compressed.
    """
    found = Archive(path, [])
    size = file_stamp(path)[1]
    with open(path, "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in _each(archive):
                    found.links += member.issym() or member.islnk()
                    if member.isreg() and not member.issparse():
                        found.members.append(Member(member.name, member.offset, member.offset_data, member.size))
                end = archive.offset
        except (tarfile.TarError, OSError, ValueError) as error:
            if not found.members:
                raise DataError(_no_archive(path, error)) from None
            found.damage = f"{path} is cut off or damaged after {found.members[-1].name}; download it again."
            found.members = [member for member in found.members if member.stop <= size]
            return found
        file.seek(end)
        if file.read(_BLOCK) != bytes(_BLOCK):
            last = f" after {found.members[-1].name}" if found.members else ""
            found.damage = (
                f"{path} does not end as an archive does{last}, so members may be missing; download it again."
            )
    return found


def member_at(path: Path, start: int, stop: int) -> tuple[str, bytes]:
    """Name and content of the member whose headers begin at byte `start` and whose content ends at `stop`.

    Raises:
        DataError: there is none, since the archive is another one now.
    """
    file = _opened(path, file_stamp(path))
    try:
        file.seek(start)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            member = archive.next()
        if member is not None:
            file.seek(member.offset_data)
            content = file.read(member.size)
            if member.offset_data + len(content) == stop:
                return member.name, content
    except (tarfile.TarError, OSError, ValueError):
        pass
    raise DataError(f"{path} holds no whole member from byte {start} on; download it again.")


def _each(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := archive.next()) is not None:
        yield member
        archive.members = []  # type: ignore[attr-defined]  # it would hold every header of a large archive


def _no_archive(path: Path, error: Exception) -> str:
    told = stand_in(path)
    if told is not None:
        return f"{told.rstrip('.')}; shards are read in place as plain TAR files."
    return f"{path} is no TAR file ({one_line(error)[:80]}); download it again."


@lru_cache(maxsize=2)
def _opened(path: Path, stamp: tuple[int, int]) -> IO[bytes]:
    return open(path, "rb")
