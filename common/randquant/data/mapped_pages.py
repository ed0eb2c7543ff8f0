"""The pages of memory-mapped arrays, which count as this process's memory once they were read."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def let_go(array: NDArray[Any]) -> None:
    """Let the pages of a read-only map go, so that reading all of a file in parts holds one part at a time.

    They are mapped again where they are read again, from the system's cache of the file as long as it keeps them.
    Arrays that are no map stay, as do maps where the system has no such call.
    """
    if array.flags.writeable:
        return
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
