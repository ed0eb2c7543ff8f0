"""Runs of a file's bytes, read by the C library itself."""

from typing import Any

from randquant.extras import needs
from randquant.kernels.compiled.compiled import compiled

with needs("fast"):
    from numba import types

# By its name, since a function that holds an address cannot be kept on disk.
_pread: Any = types.ExternalFunction("pread", types.intp(types.intc, types.uintp, types.uintp, types.int64))


@compiled
def read_runs(descriptor: int, out: Any, places: Any, sizes: Any, starts: Any) -> int:
    """How many runs, from the first on, were read whole; see `randquant.kernels.file_runs`."""
    for run in range(len(places)):
        if _pread(descriptor, out.ctypes.data + places[run], sizes[run], starts[run]) != sizes[run]:
            return run
    return len(places)
