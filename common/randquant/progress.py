"""One progress bar for every long job: what is done, how fast, how long to go."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(iterable: Iterable[Item], *, label: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield from `iterable` while a bar on standard error shows the count, the rate in `unit`/s and the time left.

    Where standard error is no terminal (a log file, a batch system) a line is written at most every ten seconds.
    """
    yield from bar(label=label, unit=unit, total=total, iterable=iterable)


def bar(
    *, label: str, unit: str, total: int | None = None, initial: int = 0, iterable: Iterable[Item] | None = None
) -> "tqdm[Item]":
    """The same bar, to be advanced by hand with `.update(n)`; use it as a context manager."""
    interactive = sys.stderr.isatty()
    return tqdm(
        iterable,
        desc=label,
        unit=f" {unit}",
        total=total,
        initial=initial,
        file=sys.stderr,
        dynamic_ncols=interactive,
        mininterval=0.1 if interactive else 10.0,
        leave=True,
        # `delay` keeps jobs under two seconds silent.
        delay=0.0 if interactive else 2.0,
    )
