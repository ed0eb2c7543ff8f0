"""Progress bars: count, rate and time left."""

import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import nullcontext
from typing import Any, TypeVar

from randquant.cli.terminal import on_screen, printable, say
from randquant.extras import needs

with needs("train"):
    from tqdm import tqdm

Item = TypeVar("Item")
Batch = TypeVar("Batch", bound=Sized)


def progress(
    iterable: Iterable[Item], *, label: str, unit: str, total: int | None = None, initial: int = 0
) -> Iterator[Item]:
    """Yield from `iterable` while a bar on standard error shows the count, the rate in `unit`/s and the time left.

    Where standard error is not a terminal (a log file, a batch system) a line is written at most every ten seconds.
    """
    yield from tqdm(iterable, total=total, initial=initial, **_style(label, unit))


def batch_progress(batches: Iterable[Batch], *, label: str, unit: str, total: int, initial: int = 0) -> Iterator[Batch]:
    """The same for batches, which count as many as they hold."""
    with bar(label=label, unit=unit, total=total, initial=initial) as shown:
        for batch in batches:
            yield batch
            shown.update(len(batch))


def bar(*, label: str, unit: str, total: int | None = None, initial: int = 0) -> "tqdm[Any]":
    """The same bar, advanced by `.update(n)`; use it as a context manager. The unit "B" is scaled."""
    return tqdm(total=total, initial=initial, **_style(label, unit))


def say_above_bars(line: str) -> None:
    """Print a line on standard error, above the bars that a terminal shows there."""
    with tqdm.external_write_mode(file=on_screen(sys.stderr)) if _interactive() else nullcontext():
        say(line, file=sys.stderr)


def _style(label: str, unit: str) -> dict[str, Any]:
    interactive = _interactive()
    return {
        "desc": printable(label),
        "unit": f" {unit}",
        "unit_scale": unit == "B",
        "file": on_screen(sys.stderr),
        "dynamic_ncols": interactive,
        "mininterval": 0.1 if interactive else 10.0,
        # A log keeps silent about jobs under two seconds.
        "delay": 0.0 if interactive else 2.0,
    }


def _interactive() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
