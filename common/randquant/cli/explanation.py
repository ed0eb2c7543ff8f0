"""Explain an error to the user in one sentence: what went wrong, and what to do."""

import errno
import os
import re

from randquant.errors import DataError, UserError, one_line
from randquant.extras import names_extra

INTERRUPTED = 130  # what a shell reports for a job ended by Ctrl-C

_FREE_SPACE = "free space or write to another disk, then run the same command again: finished work is kept"
_PERMISSIONS = "check its owner and permissions or choose another path"
_LESS_MEMORY = "lower --batch_size, --points, --workers or the size that was asked for, or use a machine with more"
_REMEDIES = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EFBIG: "a limit on the size of files stands in the way: raise it (ulimit -f) or choose another --out",
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EROFS: "the place is read-only; choose another --out",
    errno.ENOENT: "check that the path exists",
    errno.EEXIST: "a file lies where a folder is needed; move it or choose another path",
    errno.ENOTEMPTY: "a folder that is not empty lies there; move it or choose another path",
    errno.EISDIR: "a file was expected, give one",
    errno.ENOTDIR: "a folder was expected, give one",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ELOOP: "the link leads to itself; correct it or give another path",
    errno.EXDEV: "both places have to lie on one disk; choose another path",
    errno.EMFILE: "raise the limit on open files (ulimit -n) and run the same command again",
    errno.ENFILE: "close other programs and run the same command again",
    errno.EIO: "check the disk, then run the same command again",
    errno.ESTALE: "the network disk lost the file; mount it again and run the same command again",
    errno.ETXTBSY: "another program runs that file; stop it or choose another path",
    errno.EBUSY: "another program uses it; stop that or choose another path",
    errno.EINVAL: "that kind of file does not take this; give an ordinary file or folder",
    errno.ENXIO: "that kind of file does not take this; give an ordinary file or folder",
    errno.ESPIPE: "a pipe cannot be read in any order; give an ordinary file",
    errno.ENODEV: "that kind of file does not take this; give an ordinary file or folder",
    errno.EAGAIN: "this computer allows no more processes; lower --workers or raise the limit (ulimit -u)",
}
_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate memory|cannot allocate memory|[Uu]nable to allocate|"
    r"[Ss]torage size calculation overflowed|invalid memory size|array is too big|Maximum allowed dimension exceeded"
)
_AMOUNT = re.compile(r"(?:[Tt]ried to allocate|Unable to allocate) ([\d.,]+) ?(bytes|[KMGTPE]i?B)")
_THREADS = "can't start new thread"


def explained(error: BaseException) -> tuple[int, str] | None:
    """The exit code and the sentence of an error that the user can fix; None for a bug."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted; what was finished is kept, and the same command goes on from there."
    if isinstance(error, UserError):
        return error.exit_code, f"error: {' '.join(str(error).split())}"
    if names_extra(error):
        return DataError.exit_code, f"error: {error}."
    if is_of_memory(error):
        return DataError.exit_code, f"error: {_amount(error)} more than this computer has free; {_LESS_MEMORY}."
    if isinstance(error, OSError):
        return DataError.exit_code, f"error: {_of_system(error)}."
    if isinstance(error, RuntimeError) and _THREADS in str(error):
        return DataError.exit_code, f"error: no thread can be started; {_REMEDIES[errno.EAGAIN]}."
    return None


def is_of_memory(error: BaseException) -> bool:
    """Whether an error means out of memory, on the CPU or a GPU."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError | ValueError) and _MEMORY.search(str(error)) is not None


def _amount(error: BaseException) -> str:
    found = _AMOUNT.search(str(error))
    if found is None:
        return "this needs memory,"
    number, unit = found.groups()
    if unit == "bytes":
        return f"this needs {int(float(number.replace(',', ''))) / 1e9:,.1f} GB of memory at once,"
    return f"this needs {number} {unit} of memory at once,"


def _of_system(error: OSError) -> str:
    """The operating system's message, the file, and the remedy."""
    if error.errno is None:
        return f"{one_line(error) or type(error).__name__}; check the file or the connection it is about"
    where = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else None
    named = os.fsdecode(where) if where else "a file or the output"
    reason = (error.strerror or os.strerror(error.errno)).lower().rstrip(".")
    remedy = _REMEDIES.get(error.errno, "fix that or choose another path, then run the same command again")
    return f"{named}: {reason}; {remedy}"
