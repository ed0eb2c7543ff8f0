"""Archives unpacked safely: tar (gzip, bzip2, xz), tgz and zip, also one that comes in parts.

What an archive says is not trusted. Members with absolute paths or `..`, links and devices are refused, sizes are
limited while writing, and nothing appears in its place before the archive was read to its end and its checksums
fit. A compressed stream is read once, in order, without being listed first.
"""

import bz2
import errno
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

from data_prep.dataset import Archive, Dataset
from data_prep.engine.sources import source
from data_prep.layout import LISTS, UNPACKED, holds_tree, locate_deeper
from randquant.cli.progress import bar, progress
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.files.lock import locked

SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar", ".zip")
_BLOCK = 1 << 20  # bytes copied at once
_LIST_BYTES = 64 << 20  # a list or table that lies beside archives is at most this large
_MANY = 8  # archives, from which on their number is what progress shows


@dataclass(frozen=True)
class Limits:
    """What an archive may expand to, whatever it says of itself.

    Attributes:
        member: bytes of one member.
        floor, ratio: bytes in all: `floor`, or `ratio` times the archive's own size where that is more.
        members: files and folders.
    """

    member: int = 4 << 30
    floor: int = 4 << 30
    ratio: int = 50
    members: int = 10_000_000

    def total(self, size: int) -> int:
        """Bytes that an archive of `size` bytes may expand to."""
        return max(self.floor, self.ratio * size)


def unpacked_root(root: str | Path, dataset: Dataset, into: str | Path) -> Path:
    """The folder to plan from: `root`, or `into` after unpacking the dataset's archives that lie in `root`.

    Archives that are unpacked already are passed over, one that fails does not keep the others from being
    unpacked, and lists beside the archives (.txt, .csv, .json) come along.

    Raises:
        DataError: archives that cannot be unpacked, the first with its reason; `into` is in use.
    """
    root, into = Path(root), Path(into)
    found = packed(root, dataset)
    if not found:
        return root
    _make_folder(into)
    with locked(into):
        _copy_lists(root, into)
        _unpack_all(found, into)
    return locate_deeper(into, dataset) or into


def packed(root: Path, dataset: Dataset) -> list[tuple[tuple[Path, ...], str]]:
    """The archives to unpack, as (the file or its parts, folder to go to); none where the tree itself is there."""
    if not root.is_dir() or holds_tree(root, dataset):
        return []
    found: list[tuple[tuple[Path, ...], str]] = []
    for archive in dataset.archives:
        files = sorted(path for path in root.glob(archive.pattern) if path.is_file() and path.name[0] != ".")
        groups = [tuple(files)] if archive.parts and files else [(file,) for file in files]
        found += [(group, _folder_of(archive, group[0])) for group in groups]
    return found


def _folder_of(archive: Archive, path: Path) -> str:
    return archive.into.replace("{stem}", stem(path.name))


def stem(name: str) -> str:
    """A file name without the suffixes of an archive.

    >>> stem("nsynth-test.jsonwav.tar.gz"), stem("anonymous-20080425-qoz.tgz"), stem("notes.txt")
    ('nsynth-test.jsonwav', 'anonymous-20080425-qoz', 'notes.txt')
    """
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def _copy_lists(root: Path, into: Path) -> None:
    for path in sorted(root.iterdir()):
        if path.suffix.lower() in LISTS and path.is_file() and path.stat().st_size <= _LIST_BYTES:
            shutil.copyfile(path, into / path.name)


def _unpack_all(found: Sequence[tuple[tuple[Path, ...], str]], into: Path) -> None:
    failures = []
    many = len(found) >= _MANY
    for files, folder in progress(found, label="unpacking", unit="archives") if many else found:
        try:
            unpack(files, into, folder=folder, show=not many)
        except NoRoom:
            raise
        except DataError as error:
            failures.append(str(error))
    if len(failures) == 1:
        raise DataError(failures[0])
    if failures:
        raise DataError(f"{len(failures)} of {len(found)} archives could not be unpacked; the first: {failures[0]}")


class NoRoom(DataError):
    """The disk is full or cannot be written: no other archive would fare better."""


def unpack(
    archive: str | Path | Sequence[str | Path],
    into: str | Path,
    *,
    folder: str = "",
    limits: Limits | None = None,
    show: bool = True,
) -> bool:
    """Unpack one archive, wholly or not at all.

    Args:
        archive: the file, or the parts of one archive in their order.
        into: where its members go, beside what is there; a file of the same name is replaced. macOS's `._*`,
            `.DS_Store` and `__MACOSX` are passed over.
        folder: below `into`, for an archive without a top folder; one that has this very top folder does not get
            it twice.
        limits: of its size.
        show: progress.

    Returns:
        False where a file under `into` tells that this archive was unpacked there before.

    Raises:
        DataError: it is missing, no archive, truncated, damaged, encrypted or hostile; `NoRoom`: no space or no
            permission to write.
    """
    files = [Path(archive)] if isinstance(archive, str | Path) else [Path(part) for part in archive]
    into, limits = Path(into), limits or Limits()
    _make_folder(into)
    samples = [found and found.sample for file in files for found in [source(file.parent, file.name)]]
    record = {"folder": folder, "files": [[file.name, _size(file)] for file in files], "samples": samples}
    marker = into / UNPACKED / f"{files[0].name}.json"
    if marker.is_file() and {"samples": samples, **read_json(marker)} == record:
        return False
    partial = into / f".{files[0].name}.partial"
    with _explained(files[0], len(files), into):
        _remove(partial)
        try:
            partial.mkdir()
            _extract(files, partial, limits, show)
            tree = partial / folder if folder and _sole_folder(partial) == folder else partial
            _merge(tree, into / folder)
            write_json(marker, record)
        finally:
            _remove(partial)
    return True


def _extract(files: Sequence[Path], folder: Path, limits: Limits, show: bool) -> None:
    size = sum(file.stat().st_size for file in files)
    with io.BufferedReader(Parts(files), _BLOCK) as file:
        form = _form(files[0], len(files), file.peek(512)[:512])
        target = _Target(files[0], folder, limits, limits.total(size))
        if form == "zip":
            _extract_zip(file, target, show)
        else:
            _check_room(files[0], folder, size)
            if form == "tar":
                _check_end(file, size)
            _extract_tar(file, form, target, size if show else None)


class Parts(io.RawIOBase):
    """Files read one after another as one, without being copied together. Readable and seekable."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._files: list[IO[bytes]] = []
        try:
            for path in paths:
                self._files.append(open(path, "rb", buffering=0))  # noqa: SIM115 (closed by `close`)
        except OSError:
            self.close()
            raise
        self._ends = list(accumulate(os.fstat(file.fileno()).st_size for file in self._files))
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning of the first file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        if start + offset < 0:
            raise OSError(f"cannot seek to {start + offset}")  # as zipfile expects of a short file
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """As much as the file at the current place still has, up to the buffer's size."""
        number = bisect_right(self._ends, self._position)
        if number == len(self._ends):
            return 0
        file = self._files[number]
        file.seek(self._position - (self._ends[number - 1] if number else 0))
        count = file.readinto(memoryview(buffer)[: self._ends[number] - self._position])  # type: ignore[attr-defined]
        self._position += count
        return count

    def close(self) -> None:
        """Close every file."""
        for file in self._files:
            file.close()
        super().close()


class _Target:
    """Where members are written, and the limits on what they add up to."""

    def __init__(self, archive: Path, folder: Path, limits: Limits, total: int) -> None:
        self.archive = archive
        self.folder = folder
        self._limits = limits
        self._left = self._total = total
        self._members = 0
        self._made: set[str] = set()

    def place(self, name: str) -> Path | None:
        """Where a member goes; None for one to pass over."""
        self._members += 1
        if self._members > self._limits.members:
            raise self.hostile(f"has more than {self._limits.members:,} members")
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:[/\\]", name):
            raise self.hostile(f"has a member with an absolute path ({_shown(name)})")
        if ".." in parts:
            raise self.hostile(f"has a member that leads out of its folder ({_shown(name)})")
        if not parts or parts[0] == UNPACKED or any(_is_litter(part) for part in parts):
            return None
        return self.folder.joinpath(*parts)

    def write(self, path: Path, name: str, size: int, content: IO[bytes]) -> None:
        """A member, of which `size` bytes are announced."""
        if size > self._limits.member:
            raise self.hostile(f"has a member of {_gigabytes(size)} ({_shown(name)})")
        self._check_total(size)
        self.make(path.parent)
        written = 0
        with open(path, "wb") as file:
            while block := content.read(_BLOCK):
                written += len(block)
                if written > size:
                    raise self.hostile(f"has a member larger than it says ({_shown(name)})")
                file.write(block)
        if written < size:
            raise EOFError(f"{_shown(name)} ends early")
        self._left -= written

    def make(self, folder: Path) -> None:
        """A folder and those above it."""
        if str(folder) not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(str(folder))

    def hostile(self, what: str) -> DataError:
        """The sentence for an archive that does not do what archives of recordings do."""
        return DataError(f"{self.archive} {what}; it was not unpacked: get it from the dataset's own page again.")

    def _check_total(self, size: int) -> None:
        if size > self._left:
            raise self.hostile(
                f"expands to more than {_gigabytes(self._total)} from {_gigabytes(self.archive.stat().st_size)}"
            )


class _Member(tarfile.TarInfo):
    """A member whose damaged header is an error: tarfile takes it, after the first, for the end of the archive."""

    _LONGEST = 1 << 20  # bytes of a header that announces a long name or other properties

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        """One block of the archive, read as a header."""
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}") from None
        if member.size < 0 or (member.type in b"xgXLK" and member.size > cls._LONGEST):
            raise tarfile.ReadError("a header announces an impossible size")
        return member


def _check_end(file: IO[bytes], size: int) -> None:
    """A tar without compression has no checksum; it ends with blocks of zeros."""
    file.seek(max(0, size - tarfile.BLOCKSIZE))
    if any(file.read()) or size % tarfile.BLOCKSIZE:
        raise EOFError("its end is missing")
    file.seek(0)


def _extract_tar(file: IO[bytes], form: str, target: _Target, size: int | None) -> None:
    openers: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    stream = openers[form](file) if form in openers else file
    with _megabytes(target.archive, file, size) as advance:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                _extract_member(archive, member, target)
                archive.members = []  # type: ignore[attr-defined]
                advance()
        while stream.read(_BLOCK):  # to the end, where the checksum is
            pass


def _extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: _Target) -> None:
    path = target.place(member.name)
    if member.issym() or member.islnk():
        raise target.hostile(f"has a link ({_shown(member.name)})")
    if not member.isfile() and not member.isdir():
        raise target.hostile(f"has a device or the like ({_shown(member.name)})")
    if path is None:
        return
    if member.isdir():
        target.make(path)
        return
    content = archive.extractfile(member)
    if content is not None:
        target.write(path, member.name, member.size, content)


def _extract_zip(file: IO[bytes], target: _Target, show: bool) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_room(target.archive, target.folder, sum(member.file_size for member in members))
        label = f"unpacking {target.archive.name}"
        for member in progress(members, label=label, unit="files") if show else members:
            _extract_zipped(archive, member, target)


def _extract_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: _Target) -> None:
    path = target.place(member.filename)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise target.hostile(f"has a link ({_shown(member.filename)})")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise target.hostile(f"has a device or the like ({_shown(member.filename)})")
    if member.flag_bits & 1:
        raise DataError(f"{target.archive} is encrypted; unpack it by hand and give the folder.")
    if path is None:
        return
    if member.is_dir():
        target.make(path)
        return
    with archive.open(member) as content:
        target.write(path, member.filename, member.file_size, content)


_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}


def _form(path: Path, parts: int, head: bytes) -> str:
    """What an archive is, by its first bytes, whatever its name says."""
    for magic, form in _MAGIC.items():
        if head.startswith(magic):
            return form
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return "tar"
    if not head:
        raise DataError(f"{path} is empty (0 bytes); download it again.")
    if re.match(rb"\s*(<!doctype|<html|<\?xml|<head|<!--)", head.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
        raise DataError(f"{path} is a web page (HTML), not an archive; the download failed, so get it again.")
    if parts > 1:
        raise DataError(_damaged(path, parts, ValueError("no beginning of one")))
    raise DataError(f"{path} is no archive (neither tar, gzip, bzip2, xz nor zip); download it again.")


def _is_old_tar(head: bytes) -> bool:
    try:
        return len(head) == 512 and bool(tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape"))
    except tarfile.HeaderError:
        return False


@contextmanager
def _explained(archive: Path, parts: int, into: Path) -> Iterator[None]:
    """One sentence that names the archive for whatever goes wrong with it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # gzip and bzip2 tell of damage this way
            raise DataError(_damaged(archive, parts, error)) from None
        raise _failed(archive, into, error) from None
    except _DAMAGE as error:
        raise DataError(_damaged(archive, parts, error)) from None


_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,
    ValueError,
    OverflowError,
)


def _damaged(archive: Path, parts: int, error: Exception) -> str:
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if parts > 1:
        return f"{archive} and the {parts - 1} parts after it are no whole archive ({reason}); are all parts there?"
    return f"{archive} is truncated or damaged ({reason}); download it again."


def _failed(archive: Path, into: Path, error: OSError) -> DataError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom(
            f"{archive} does not fit into {into}: no space left; free space or choose another --unpack folder, then "
            "run the same command again."
        )
    reason = (error.strerror or str(error)).lower()
    if str(error.filename or "").startswith(str(archive)):
        return DataError(f"{archive} cannot be read ({reason}); check its path and permissions.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NoRoom(f"{archive} cannot be unpacked into {into} ({reason}); choose another --unpack folder.")
    return DataError(f"{archive} cannot be unpacked into {into} ({reason}); choose another --unpack folder.")


def _check_room(archive: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoom(
            f"{archive} needs at least {_gigabytes(needed)} and {folder.parent} has {_gigabytes(free)} free; free "
            "space or choose another --unpack folder."
        )


def _merge(source: Path, target: Path) -> None:
    """Move everything in `source` to the same place below `target`; whole folders where there is none yet."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
        return
    for entry in os.scandir(source):
        if entry.is_dir() and (target / entry.name).exists():
            _merge(Path(entry.path), target / entry.name)
        else:
            os.replace(entry.path, target / entry.name)


def _sole_folder(path: Path) -> str | None:
    entries = list(os.scandir(path))
    return entries[0].name if len(entries) == 1 and entries[0].is_dir() else None


@contextmanager
def _megabytes(archive: Path, file: IO[bytes], size: int | None) -> Iterator[Callable[[], object]]:
    """Progress through a stream; silent where `size` is None."""
    if size is None:
        yield lambda: None
        return
    with bar(label=f"unpacking {archive.name}", unit="MB", total=size // 1_000_000) as display:
        yield lambda: display.update(file.tell() // 1_000_000 - display.n)


def _make_folder(into: Path) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise DataError(
            f"{into} is a file, but archives are unpacked into a folder; choose another --unpack."
        ) from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _is_litter(name: str) -> bool:
    return name.startswith("._") or name in ("__MACOSX", ".DS_Store")


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()[:80]


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
