"""What C libraries write to the standard error, which is all that some of them tell of damage."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO

_STDERR = 2
_LISTENING = threading.Lock()


@contextmanager
def overheard(said: list[str]) -> Iterator[None]:
    """Append to `said` what is written to the process's standard error within the block, below Python's own."""
    with _LISTENING:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # it is closed
            yield
            return
        file = _transcript(os.getpid())
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            if size := file.seek(0, os.SEEK_END):
                file.seek(0)
                said.append(file.read(size).decode(errors="replace"))
                file.seek(0)
                file.truncate()


@cache
def _transcript(_process: int) -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0)
