"""One process at a time: an advisory lock that ends with the process, however that ends."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from randquant.errors import DataError

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]


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
    """Hold the lock of an existing file or folder; without locks on this system, just go on.

    Args:
        path: what is locked; its content is not touched.
        wait: until the lock is free, rather than refusing.

    Raises:
        DataError: another process holds it, and `wait` is false.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    _HELD.add(descriptor)
    try:
        _lock(descriptor, path, wait)
        yield
    finally:
        if descriptor in _HELD:  # not in a process forked inside
            _HELD.remove(descriptor)
            os.close(descriptor)


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Wait for the lock of a file that is there for no other purpose; it is made, with its folder, and removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor, path, wait=True)
            if not _lies_at(descriptor, path):  # who held it has removed it
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return
        finally:
            os.close(descriptor)


def _lies_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(descriptor: int, path: Path, wait: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise DataError(f"another run is writing {path}; wait for it or stop it.") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise  # some network disks have no locks
