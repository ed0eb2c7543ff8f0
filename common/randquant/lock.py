"""One process at a time: an advisory lock that ends with the process, however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from randquant.errors import DataError

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]


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
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    except BlockingIOError:
        raise DataError(f"another run is writing {path}; wait for it or stop it.") from None
    finally:
        os.close(descriptor)
