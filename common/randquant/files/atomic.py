"""Atomic writes: a file is written beside its final path, flushed to disk, then renamed."""

import errno
import json
import os
import re
import shutil
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from randquant.errors import DataError


@contextmanager
def atomic_path(final: str | Path, *, parents: bool = True, flushed: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `final`; on success it is renamed to `final`.

    A crash or an exception inside the block leaves `final` as it was. The block may create a file or a folder. What
    killed processes left unfinished in that folder is removed first.

    Args:
        final: file or folder to write.
        parents: create the folder it lies in, where absent; otherwise that is an error.
        flushed: whether a failing computer, too, leaves either the old or the new; otherwise whoever writes it calls
            `flush` before anything relies on it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "numbers.txt") as temporary:
    ...         _ = temporary.write_text("1 2 3")
    ...     sorted(entry.name for entry in Path(folder).iterdir())
    ['numbers.txt']
    """
    final = Path(final)
    if parents:
        final.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(final.parent)
    # The suffix is kept last because libraries such as numpy choose or append it by name. The path is absolute because
    # pyarrow takes a relative one that begins with ~ or a word and a colon for another place.
    temporary = final.absolute().with_name(f".{final.stem}.{os.getpid()}-{_HOST}.partial{final.suffix}")
    _remove(temporary)
    try:
        yield temporary
        if flushed and temporary.is_file():
            flush(temporary)
        os.replace(temporary, final)
        if flushed:
            flush(final.parent)
    except OSError as error:
        if error.filename == str(temporary) or (error.filename is None and error.errno in _FULL):
            # the name the user knows
            error.filename = str(final)
        raise
    finally:
        _remove(temporary)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_LEFTOVER = re.compile(r"\..*\.(\d+)(?:-([0-9a-f]{8}))?\.partial(\.[^.]*)?")
_DAY = 86_400.0  # seconds
_tidied: set[str] = set()


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder, once per folder and process.

    A leftover is one of this machine whose process is gone. A folder may be shared with other machines, of whose
    processes nothing is known: what they left goes once it was not written to for a day.
    """
    if str(folder) in _tidied:
        return
    _tidied.add(str(folder))
    try:
        with os.scandir(folder) as entries:
            found = [(entry, match) for entry in entries if (match := _LEFTOVER.fullmatch(entry.name))]
        for entry, match in found:
            here = match[2] == _HOST
            if (here and not _is_alive(int(match[1]))) or time.time() - entry.stat().st_mtime > _DAY:
                _remove(Path(entry.path))
    except OSError:  # somebody else's, or gone already: not what this process came for
        return


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN and infinity are refused (ValueError): they are not JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path, *, reduce: Callable[[dict[str, Any]], Any] | None = None) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: of the file.
        reduce: what to keep of every object in it, the innermost first, so that a large file takes little memory.

    Raises:
        DataError: the file is missing or holds no JSON object.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), object_hook=reduce)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not readable as JSON ({error}); restore or regenerate the file.") from None
    if not isinstance(value, dict):
        raise DataError(f"{path} should hold a JSON object but holds a {type(value).__name__}; regenerate the file.")
    return value


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
