"""Memory that was freed and is kept for what comes next."""

import ctypes
import sys

# Options of mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4

_kept: list[bool] = []  # whether the C library did as it was asked


def keep_freed_memory() -> None:
    """Ask the C library to hold on to freed blocks of any size, for the life of the process.

    glibc gives a freed block of more than 32 MB straight back to the kernel, and every batch's activations are such
    blocks: each is mapped, zeroed and unmapped again, which takes up to half of the time of a step, or of a batch that
    is embedded. Without glibc nothing happens. It is a setting of the whole process, which `randquant.load` leaves to
    its user.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        # Trimming is switched off rather than put off: a step of 256 sounds frees more than any threshold it takes.
        options = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 2**28}
        done = [mallopt(option, value) for option, value in options.items()]
        _kept[:] = [all(done)]


def keeps_freed_memory() -> bool:
    """Whether this process holds on to freed blocks of any size."""
    return any(_kept)
