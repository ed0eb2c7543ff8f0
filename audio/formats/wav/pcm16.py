"""16-bit PCM, the commonest sound there is: the bytes of the file are the samples."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from randquant.audio.formats.recording import BLOCK, Block, Header, Recording, truncated
from randquant.audio.formats.wav.wav_header import SampleLayout

_SCALE = np.float32(1 / 32_768)


class PCM16(Recording):
    """Samples of 16 bits in an open file, which is left open.

    Args:
        path: of the file.
        file: as it is open.
        layout: where they begin, their byte order, channels and rate.
        frames: how many.
    """

    def __init__(self, path: Path, file: IO[bytes], layout: SampleLayout, frames: int) -> None:
        super().__init__(path)
        self._file, self._start, self._order = file, layout.start, layout.order
        self.header = Header(layout.rate, layout.channels, frames, frames)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        for integers in self._read(start, stop):
            block = integers.astype(np.float32)
            block *= _SCALE
            yield block

    def integers(self) -> Iterator[NDArray[np.int16]]:
        """As `Recording.integers`."""
        return self._read(0, None)

    def _read(self, start: int, stop: int | None) -> Iterator[NDArray[np.int16]]:
        channels, frames = self.header.channels, self.header.expected
        stop = min(frames, frames if stop is None else stop)
        size = max(1, BLOCK // channels)
        while start < stop:
            block = np.empty((min(size, stop - start), channels), f"{self._order}i2")
            self._file.seek(self._start + 2 * channels * start)
            read = self._file.readinto(block.data.cast("B")) // (2 * channels)  # type: ignore[attr-defined]
            if read:
                yield block[:read].astype(np.int16, copy=False)
            start += read
            if read < len(block):
                raise truncated(self.path, f"{start:,} of {stop:,} frames")
