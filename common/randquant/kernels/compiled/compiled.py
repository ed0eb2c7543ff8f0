"""How functions are compiled."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from randquant.cli.compilation import before_compilation
from randquant.extras import needs

with needs("fast"):
    import numba
    from numba.core import event


def compiled(function: Any, **more: Any) -> Any:
    """The function as machine code, made at its first call and kept on disk; it runs without Python's lock.

    No operation is fused or reordered, so that every number is rounded as PyTorch rounds it.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "fastmath": False, **more}
    try:
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written: once in each process
        return numba.njit(**options)(function)
    # numba compiles anew where the function's own file has changed, but a function holds those that it calls.
    with suppress(AttributeError):  # of a version of numba that keeps it elsewhere
        made._cache._cache_file._source_stamp = source_stamp()
    return made


def inlined(function: Any) -> Any:
    """The same, put into the code of those that call it: what takes many arguments loses half its time with them."""
    return compiled(function, forceinline=True)


@cache
def source_stamp() -> tuple[tuple[str, int, int], ...]:
    """What changes with any file that compiled code is made of."""
    files = [*Path(__file__).parent.rglob("*.py"), Path(__file__).parents[1] / "sorting_network.py"]
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files))


class _Announced(event.Listener):
    """Hears of every function that is compiled, and not of one that is loaded from the disk."""

    def on_start(self, started: Any) -> None:
        function = started.data["dispatcher"]
        if function.__module__.startswith("randquant."):  # other packages have functions of their own
            before_compilation(kept=function.stats.cache_path is not None)

    def on_end(self, ended: Any) -> None:
        """Nothing is said."""


event.register("numba:compile", _Announced())
