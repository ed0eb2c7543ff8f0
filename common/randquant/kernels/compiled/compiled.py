"""How functions are compiled."""

from typing import Any

from randquant.extras import needs

with needs("fast"):
    import numba


def compiled(function: Any) -> Any:
    """The function as machine code, made at its first call and kept on disk; it runs without Python's lock.

    No operation is fused or reordered, so that every number is rounded as PyTorch rounds it.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "fastmath": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written: once in each process
        return numba.njit(**options)(function)
