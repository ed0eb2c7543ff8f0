"""A line before kernels are compiled: in a first run that takes tens of seconds, in which nothing else is printed."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_KEPT = "the first time only; it can take a minute"
_NOT_KEPT = "in every run, since no folder keeps them; set NUMBA_CACHE_DIR to one that can be written"


@dataclass
class _Saying:
    """Of this process: how many commands run, one inside another, and whether they have said it."""

    commands: int = 0
    said: bool = False


_SAYING = _Saying()


@contextmanager
def compilation_said() -> Iterator[None]:
    """Within the block, which is a command's, the first compilation of this process is announced on standard error."""
    _SAYING.commands += 1
    try:
        yield
    finally:
        _SAYING.commands -= 1


def before_compilation(*, kept: bool) -> None:
    """Said of a kernel that is about to be compiled; the library itself is silent.

    Args:
        kept: whether later processes load what this one compiles.
    """
    if _SAYING.said or not _SAYING.commands or multiprocessing.parent_process():  # each of many workers would say it
        return
    _SAYING.said = True
    from randquant.cli.progress import say_above_bars  # late: a command without bars loads none

    say_above_bars(f"note: compiling kernels for this processor, {_KEPT if kept else _NOT_KEPT}")
