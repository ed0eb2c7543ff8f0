"""Many runs of a file's bytes into one array, without Python between them."""

import os
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray


def read_runs(
    descriptor: int,
    out: NDArray[np.uint8],
    places: NDArray[np.int64],
    sizes: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> int:
    """Read runs of bytes, one after the other, until one is not read whole at once.

    Args:
        descriptor: of the file.
        out: (bytes,) contiguous, which every run lies in.
        places: (n,) where in `out` each run begins.
        sizes: (n,) bytes of each.
        starts: (n,) where in the file each begins.

    Returns:
        How many, from the first on, were read whole: 0 where nothing is compiled, so that whoever asks reads all.
    """
    compiled = _compiled()
    return 0 if compiled is None else compiled(descriptor, out, places, sizes, starts)


@cache
def _compiled() -> Callable[..., int] | None:
    if not hasattr(os, "preadv"):
        return None
    none = np.empty(0, np.int64)
    try:
        from randquant.kernels.compiled.file_runs import read_runs as compiled

        compiled(0, none.view(np.uint8), none, none, none)
    except Exception:  # no numba, or one that compiles nothing here: the same bytes, read one run at a time
        return None
    return compiled
