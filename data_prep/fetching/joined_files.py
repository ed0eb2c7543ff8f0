"""Several files read as one, for archives in parts."""

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import Any


class JoinedFiles(io.RawIOBase):
    """Files read one after another as one, without being copied together. Readable and seekable."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        with ExitStack() as opened:
            self._files = [opened.enter_context(open(path, "rb", buffering=0)) for path in paths]
            self._opened = opened.pop_all()
        self._ends = list(accumulate(os.fstat(file.fileno()).st_size for file in self._files))
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning of the first file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        if start + offset < 0:
            raise OSError(f"cannot seek to {start + offset}")  # as zipfile expects of a short file
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """As much as the file at the current place still has, up to the buffer's size."""
        number = bisect_right(self._ends, self._position)
        if number == len(self._ends):
            return 0
        file = self._files[number]
        file.seek(self._position - (self._ends[number - 1] if number else 0))
        count = file.readinto(memoryview(buffer)[: self._ends[number] - self._position])
        self._position += count
        return count

    def close(self) -> None:
        """Close every file."""
        self._opened.close()
        super().close()
