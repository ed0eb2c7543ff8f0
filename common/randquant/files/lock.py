"""One process at a time: an advisory lock that ends with the process, however that ends."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from filelock import FileLock, lock_descriptor

from randquant.errors import DataError

_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # some network disks
_INSTANT = 0.02  # seconds
_HELD: set[int] = set()  # descriptors whose locks this process holds or waits for


def _let_go() -> None:
    """A forked process has copies of the descriptors, and with them would hold the locks beyond its parent's end."""
    for descriptor in _HELD:
        os.close(descriptor)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of an existing file or folder, also a read-only one; a no-op on disks without locks.

    Args:
        path: what is locked; its content is not touched.
        wait: until the lock is free, rather than refusing.

    Raises:
        DataError: another process holds it, and `wait` is false.
    """
    if sys.platform == "win32":  # where a folder cannot be opened
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    _HELD.add(descriptor)
    try:
        if not _taken(lambda: lock_descriptor(descriptor, blocking=wait) or _taken_soon(descriptor)):
            raise DataError(f"another run is writing {path}; wait for it or stop it.")
        yield
    finally:
        if descriptor in _HELD:  # not in a process forked inside
            _HELD.remove(descriptor)
            os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a file or folder; false where that cannot be known.

    A lock can only be looked at by taking it, for an instant that `locked` outlasts.
    """
    try:
        with locked(path):
            return False
    except DataError:
        return True
    except OSError:
        return False


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Wait for a lock file; it is created, with its folder, and removed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    _taken(lock.acquire)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the release, so that waiting processes see it
        lock.release()


def _taken_soon(descriptor: int) -> bool:
    """Whether a lock was taken after the instant in which another process may have looked at it."""
    sleep(_INSTANT)
    return lock_descriptor(descriptor, blocking=False)


def _taken(take: Callable[[], object]) -> bool:
    """Whether a lock was taken, or there are none on this disk."""
    try:
        return bool(take())
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        return True
