"""libsndfile (soundfile) decodes containers whose length it counts exactly: WAV, W64, RF64, AIFF, CAF, AU, FLAC, Ogg.

Its own lengths of MP3 and of joined Ogg are guesses or those of the first stream; FFmpeg decodes them (`ffmpeg.py`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import soundfile

from audio.formats.recording import BLOCK, Block, Header, Recording, Source, damaged, truncated

# libsndfile shortens a truncated file to what is there, but its log keeps what the header states.
_CUT = re.compile(r"(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)")
_OPEN_ENDED = 0x7EFF0000  # bytes; what programs that write into a pipe state is at least this large


class LibsndfileRecording(Recording):
    """A file that libsndfile decodes.

    Args:
        path: of the file.
        source: what to open instead of the path itself: a file object that shows it in another way.
        frames: how many there are where libsndfile counts filling at the end.
        raw: rate, channels, subtype and endian of a source without a header.

    Raises:
        soundfile.LibsndfileError: libsndfile cannot open it.
    """

    def __init__(
        self,
        path: Path,
        source: Source | None = None,
        *,
        frames: int | None = None,
        raw: dict[str, Any] | None = None,
    ) -> None:
        self.path, self._source = path, source
        self.file = soundfile.SoundFile(path if source is None else source, **(raw or {}))
        count = self.file.frames if frames is None else min(frames, self.file.frames)
        self.header = Header(self.file.samplerate, self.file.channels, count, count)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        end = self.file.frames if self.header.frames is None else self.header.frames
        stop = end if stop is None else min(stop, end)
        size = max(1, BLOCK // self.file.channels)
        try:
            if start:
                self.file.seek(start)
            while start < stop:
                wanted = min(size, stop - start)
                block = self.file.read(wanted, dtype="float32", always_2d=True)
                if len(block):
                    yield block
                start += len(block)
                if len(block) < wanted:
                    raise truncated(self.path, f"{start:,} of {stop:,} frames")
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise damaged(self.path, reason(error)) from None

    def check_log(self) -> None:
        """Refuse a file that libsndfile's log reports as shorter than its header states.

        Raises:
            DataError: it is.
        """
        for stated, present in _CUT.findall(self.file.extra_info):
            if int(present) + 8 * self.file.channels < int(stated) < _OPEN_ENDED:
                raise truncated(self.path, f"{int(present):,} of {int(stated):,} bytes")

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        if self._source is not None:
            self._source.close()


def reason(error: Exception) -> str:
    """libsndfile's error message without its prefix."""
    return getattr(error, "error_string", str(error)).strip().rstrip(".")
