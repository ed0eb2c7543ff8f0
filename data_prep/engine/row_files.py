"""Files that hold an item a row: an item of a plan is a window of one row."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from randquant.data_prep.engine.plan import Reader, Reading
from randquant.errors import DataError


def file_stamp(path: Path) -> tuple[int, int]:
    """A stamp that changes with a file, for files kept open or in memory.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    return state.st_mtime_ns, state.st_size


def row_reader(
    read: Callable[[Path, int], Reading],
    settings: Mapping[str, Any],
    companions: Callable[[Path], Iterable[Path]] | None = None,
    *,
    kind: str = "points",
) -> Reader:
    """The reader of files that hold an item a row, which is its window.

    Args:
        read: takes a file and a row of it. A module-level function, or a `partial` of one.
        settings, companions, kind: as in `Reader`.
    """
    return Reader(kind, _read_whole, settings, partial(_read_window, read), companions)


def _read_whole(path: Path) -> Reading:
    raise TypeError(f"{path} holds an item a row; read a window of one row")


def _read_window(read: Callable[[Path, int], Reading], path: Path, start: int, stop: int) -> Reading:
    if stop != start + 1:
        raise ValueError(f"an item is one row, got rows {start} to {stop}")
    return read(path, start)
