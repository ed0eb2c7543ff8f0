"""A part of a file after a header of our own, as one file that libsndfile and FFmpeg can read."""

import io
from typing import IO


class Span(io.RawIOBase):
    """Reads `head`, then bytes [start, stop) of an open file, which it leaves open."""

    def __init__(self, file: IO[bytes], start: int, stop: int, head: bytes = b"") -> None:
        super().__init__()
        self._file, self._head, self._start = file, head, start
        self._size = len(head) + stop - start
        self._place = 0

    def readable(self) -> bool:
        """True."""
        return True

    seekable = readable

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As `io.RawIOBase.seek`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As `io.RawIOBase.readinto`."""
        wanted = min(len(buffer), self._size - self._place)
        if wanted <= 0:
            return 0
        data = self._head[self._place : self._place + wanted]
        if len(data) < wanted:
            self._file.seek(self._start + self._place + len(data) - len(self._head))
            data += self._file.read(wanted - len(data))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
