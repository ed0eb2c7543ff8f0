"""libsndfile (soundfile) decodes containers whose length it counts exactly: WAV, W64, RF64, AIFF, CAF, AU, FLAC, Ogg.

Its own lengths of MP3 and of joined Ogg are guesses or those of the first stream; FFmpeg decodes them (`ffmpeg.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from randquant.audio.formats.recording import BLOCK, Block, Header, Recording, Source, damaged, truncated


class LibsndfileRecording(Recording):
    """A file that libsndfile decodes.

    Args:
        source: what to open instead of the path itself: a file object that shows it in another way.
        frames: how many there are where libsndfile counts filling at the end.

    Raises:
        soundfile.LibsndfileError: libsndfile cannot open it.
    """

    def __init__(self, path: Path, source: Source | None = None, *, frames: int | None = None) -> None:
        super().__init__(path)
        self.file = soundfile.SoundFile(path if source is None else source)
        self.held.append(self.file)
        count = self.file.frames if frames is None else min(frames, self.file.frames)
        self.header = Header(self.file.samplerate, self.file.channels, count, count)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        yield from self._read("float32", start, stop)

    def integers(self) -> Iterator[NDArray[np.int16]] | None:
        """As `Recording.integers`."""
        return self._read("int16", 0, None) if self.file.subtype == "PCM_16" else None

    def _read(self, dtype: str, start: int, stop: int | None) -> Iterator[NDArray]:
        stop = min(self.header.expected, self.header.expected if stop is None else stop)
        size = max(1, BLOCK // self.file.channels)
        try:
            if start:
                self.file.seek(start)
            while start < stop:
                wanted = min(size, stop - start)
                block = self.file.read(wanted, dtype=dtype, always_2d=True)
                if len(block):
                    yield block
                start += len(block)
                if len(block) < wanted:
                    raise truncated(self.path, f"{start:,} of {stop:,} frames")
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise damaged(self.path, reason(error)) from None


def reason(error: Exception) -> str:
    """libsndfile's error message without its prefix."""
    return getattr(error, "error_string", str(error)).strip().rstrip(".")
