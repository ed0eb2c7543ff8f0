"""Safe extraction of archives: tar (gzip, bzip2, xz), tgz and zip, also in parts.

Nothing appears in its place before the archive was read to its end and its checksums fit; its members are checked in
`randquant.data_prep.fetching.members`.
"""

import errno
import io
import lzma
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from randquant.cli.progress import bar, progress
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.sources import source
from randquant.data_prep.fetching.joined_files import JoinedFiles
from randquant.data_prep.fetching.members import Checked, Limits, UnsafeMember, extract_tar, extract_zip, gigabytes
from randquant.data_prep.layout import LISTS, UNPACKED, holds_tree, locate_deeper
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.files.first_bytes import is_markup
from randquant.files.lock import locked

SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar", ".zip")
_BLOCK = 1 << 20  # bytes read at once
_LIST_BYTES = 64 << 20  # a list or table next to the archives is at most this large
_MANY = 8  # archives, from which on their number is what progress shows


def unpacked_root(root: str | Path, dataset: Dataset, into: str | Path) -> Path:
    """The folder to plan from: `root`, or `into` after unpacking the dataset's archives in `root`.

    Archives that are unpacked already are skipped, one that fails does not stop the others, and lists next to the
    archives (.txt, .csv, .json) are copied.

    Raises:
        DataError: archives that cannot be unpacked, the first with its reason; `into` is in use.
    """
    root, into = Path(root), Path(into)
    found = archives_in(root, dataset)
    if not found:
        return root
    _make_folder(into)
    with locked(into):
        for path in sorted(root.iterdir()):
            if path.suffix.lower() in LISTS and path.is_file() and path.stat().st_size <= _LIST_BYTES:
                shutil.copyfile(path, into / path.name)
        _unpack_all(found, into)
        for archive in dataset.archives:
            if archive.nested:
                _unpack_nested(into / archive.into)
    return locate_deeper(into, dataset) or into


def unpacked_file(archive: Path, into: Path) -> Path:
    """The folder `into`, after unpacking one archive there, unless that was done before.

    Raises:
        DataError: as `unpack`, or `into` is in use.
    """
    _make_folder(into)
    with locked(into):
        unpack(archive, into)
    return into


def archives_in(root: Path, dataset: Dataset) -> list[tuple[tuple[Path, ...], str]]:
    """The archives to unpack, as (the file or its parts, folder to go to); none where the tree itself is there."""
    if not root.is_dir() or holds_tree(root, dataset):
        return []
    found: list[tuple[tuple[Path, ...], str]] = []
    for archive in dataset.archives:
        files = sorted(path for path in root.glob(archive.pattern) if path.is_file() and path.name[0] != ".")
        groups = [tuple(files)] if archive.parts and files else [(file,) for file in files]
        found += [(group, archive.into.replace("{stem}", stem(group[0].name))) for group in groups]
    return found


def stem(name: str) -> str:
    """A file name without the suffixes of an archive.

    >>> stem("nsynth-test.jsonwav.tar.gz"), stem("anonymous-20080425-qoz.tgz"), stem("notes.txt")
    ('nsynth-test.jsonwav', 'anonymous-20080425-qoz', 'notes.txt')
    """
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def _unpack_all(found: Sequence[tuple[tuple[Path, ...], str]], into: Path) -> None:
    failures = []
    many = len(found) >= _MANY
    for files, folder in progress(found, label="unpacking", unit="archives") if many else found:
        try:
            unpack(files, into, folder=folder, show=not many)
        except DiskFull:
            raise
        except DataError as error:
            failures.append(str(error))
    if len(failures) == 1:
        raise DataError(failures[0])
    if failures:
        raise DataError(f"{len(failures)} of {len(found)} archives could not be unpacked; the first: {failures[0]}")


def _unpack_nested(folder: Path) -> None:
    """Unpack each archive in a folder into a folder of its name, and remove it."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    inner = [folder / name for name in names if name[0] != "." and stem(name) != name]
    for archive in progress(inner, label=f"unpacking {folder.name}", unit="archives") if inner else ():
        unpack(archive, folder, folder=stem(archive.name), show=False)
        archive.unlink()


class DiskFull(DataError):
    """The disk is full or cannot be written: no other archive would fare better."""


def unpack(
    archive: str | Path | Sequence[str | Path],
    into: str | Path,
    *,
    folder: str = "",
    limits: Limits | None = None,
    show: bool = True,
) -> bool:
    """Unpack one archive, atomically.

    Args:
        archive: the file, or the parts of one archive in their order.
        into: folder for its members; a file of the same name is replaced. macOS's `._*`, `.DS_Store` and
            `__MACOSX` are skipped.
        folder: below `into`, for an archive without a top folder; one that has this very top folder does not get
            it twice.
        limits, show: of its size; progress.

    Returns:
        False where a file under `into` says that this archive was unpacked there before.

    Raises:
        DataError: it is missing, no archive, truncated, damaged, encrypted or hostile; `DiskFull`: no space or no
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
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            _extract(files, partial, limits, show)
            doubled = os.listdir(partial) == [folder] and (partial / folder).is_dir()
            _merge(partial / folder if doubled else partial, into / folder)
            write_json(marker, record)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return True


def _extract(files: Sequence[Path], folder: Path, limits: Limits, show: bool) -> None:
    size = sum(file.stat().st_size for file in files)
    label, checked = f"unpacking {files[0].name}", Checked(limits, size)
    with io.BufferedReader(JoinedFiles(files), _BLOCK) as file:
        form = _form(files[0], len(files), file.peek(512)[:512])
        if form == "zip":
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if any(member.flag_bits & 1 for member in members):
                    raise DataError(f"{files[0]} is encrypted; unpack it by hand and give the folder.")
                _check_room(files[0], folder, sum(member.file_size for member in members))
                extract_zip(progress(members, label=label, unit="files") if show else members, archive, folder, checked)
            return
        _check_room(files[0], folder, size)
        if form == "tar":  # without a checksum, but blocks of zeros end it
            file.seek(max(0, size - tarfile.BLOCKSIZE))
            if any(file.read()) or size % tarfile.BLOCKSIZE:
                raise EOFError("its end is missing")
            file.seek(0)
        with bar(label=label, unit="B", total=size) if show else nullcontext() as shown:
            extract_tar(file, form, folder, checked, lambda: shown and shown.update(file.tell() - shown.n))


_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}


def _form(path: Path, parts: int, head: bytes) -> str:
    """The format of an archive, from its first bytes; names are often wrong."""
    for magic, form in _MAGIC.items():
        if head.startswith(magic):
            return form
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return "tar"
    if not head:
        raise DataError(f"{path} is empty (0 bytes); download it again.")
    if is_markup(head):
        raise DataError(f"{path} is a web page (HTML), not an archive; the download failed, so get it again.")
    if parts > 1:
        raise DataError(_damaged(path, parts, ValueError("no beginning of one")))
    raise DataError(f"{path} is not an archive (neither tar, gzip, bzip2, xz nor zip); download it again.")


def _is_old_tar(head: bytes) -> bool:
    try:
        return len(head) == 512 and bool(tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape"))
    except tarfile.HeaderError:
        return False


@contextmanager
def _explained(archive: Path, parts: int, into: Path) -> Iterator[None]:
    """Every failure becomes one sentence that names the archive."""
    try:
        yield
    except UnsafeMember as what:
        raise DataError(f"{archive} {what}; it was not unpacked: get it from the dataset's own page again.") from None
    except OSError as error:
        if error.errno is None:  # how gzip and bzip2 report damage
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
        return DiskFull(
            f"{archive} does not fit into {into}: no space left; free space or choose another --unpack folder, then "
            "run the same command again."
        )
    reason = (error.strerror or str(error)).lower()
    if str(error.filename or "").startswith(str(archive)):
        return DataError(f"{archive} cannot be read ({reason}); check its path and permissions.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DiskFull(f"{archive} cannot be unpacked into {into} ({reason}); choose another --unpack folder.")
    return DataError(f"{archive} cannot be unpacked into {into} ({reason}); choose another --unpack folder.")


def _check_room(archive: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFull(
            f"{archive} needs at least {gigabytes(needed)} and {folder.parent} has {gigabytes(free)} free; free "
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
