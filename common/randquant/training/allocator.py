"""Keep freed memory in the process: on Linux, mapping pages again takes up to half of a training step."""

import ctypes
import sys

# Options of mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """Ask the C library to hold on to freed blocks of any size, for the life of the process.

    glibc gives a freed block of more than 32 MB straight back to the kernel, and every step's activations are such
    blocks: each is mapped, zeroed and unmapped again. Without glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_TOP_PAD, 2**28)
