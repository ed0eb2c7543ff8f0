"""Memory limit per file: half of the computer's memory, so that a file that needs more is skipped with the reason
instead of ending the process, or all processes, for want of memory."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from randquant.cli.explanation import is_of_memory
from randquant.errors import DataError

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

_GROUP = Path("/sys/fs/cgroup/memory.max")  # what a container may take


@contextmanager
def memory_budget() -> Iterator[None]:
    """Within the block, allocations beyond the budget raise MemoryError, on systems that support it.

    The limit is the process's, so it is set from the main thread alone.
    """
    held = _held()
    if resource is None or held is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + budget()
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def within_memory(name: str) -> Iterator[None]:
    """Within the block, a MemoryError becomes a DataError about the file that is read.

    Raises:
        DataError: it did not.
    """
    try:
        yield
    except (MemoryError, OSError, RuntimeError, ValueError) as error:
        if not is_of_memory(error):
            raise
        reason = f"{name} needs more memory than a file may take here ({budget() / 2**30:.1f} GiB)"
    else:
        return
    raise DataError(f"{reason}; split it or leave it out.")


def budget() -> int:
    """Bytes that one file may take."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 8 << 30
    with suppress(OSError, ValueError):  # "max" where there is no limit
        total = min(total, int(_GROUP.read_text()))
    return total // 2


def _held() -> int | None:
    """Data size of this process in bytes; None if the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
