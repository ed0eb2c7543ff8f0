"""The duration that a container states, checked against what FFmpeg decoded."""

from pathlib import Path
from typing import Any

from randquant.audio.formats.recording import damaged, truncated

_MP4, _MATROSKA = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
# Containers whose header states the length of each stream, by their names in FFmpeg.
_EXACT = (_MP4, "wv", "ape", "tta", "tak", "caf", "aiff", "shn", "mpc", "mpc8", "dsf", "avi", "flac")
# Those whose packets carry times; an encoder that codes no silence leaves a hole there, too.
_TIMED = (_MP4, _MATROSKA, "asf", "flv", "mpegts", "mpeg", "ogg", "flac")
_HOLE = 0.06  # seconds; times are rounded to milliseconds, and packets are up to 60 ms long
_LOSSLESS = ("pcm", "flac", "alac", "wavpack", "tta", "ape", "tak", "shorten")
_WHOLE_PACKETS = ("avi", "caf")  # that count the last one as if it were full
_PACKET = 4096  # frames that an encoder may have filled up or that a decoder needs to begin


class StatedDuration:
    """The stated length of a stream in a container, or `samples` that were counted; and its packets' timestamps."""

    def __init__(self, path: Path, container: Any, stream: Any, samples: int | None = None) -> None:
        self._path, self._samples = path, samples
        self._kind, self._codec = container.format.name, stream.codec_context.name  # by their names in FFmpeg
        self._begin: float | None = None
        self._next: float | None = None
        own = None if stream.duration is None else float(stream.duration * stream.time_base)
        whole = None if container.duration is None else container.duration / 1e6
        exact = self._kind in _EXACT and own is not None
        if self._kind == _MATROSKA and own is None:
            own = _clock(stream.metadata.get("DURATION", ""))
            exact = own is not None or all(other.type == "audio" for other in container.streams)
        self._seconds = own if own is not None else whole  # stated or estimated
        self._exact = samples is not None or (exact and self._seconds is not None)

    def expected(self, rate: int) -> int:
        """Approximate number of frames; 0 if not stated."""
        return max(0, round((self._seconds or 0) * rate)) if self._samples is None else self._samples

    def left(self, place: int, rate: int) -> int | None:
        """How many frames may follow the first `place` frames; None if not stated."""
        # An edit list, or the table of CAF, ends within the last packet.
        return max(0, self.expected(rate) - place) if self._kind in (_MP4, "caf") and self._seconds else None

    def follow(self, frame: Any) -> None:
        """Check a frame's timestamp against those before it.

        Raises:
            DataError: packets between them are missing.
        """
        if frame.pts is None:
            return
        time, seconds = float(frame.pts * frame.time_base), frame.samples / frame.sample_rate
        if self._begin is None:
            self._begin = time
        if self._kind not in _TIMED or self._codec.startswith("adpcm"):
            return
        if self._next is not None and time - self._next > max(_HOLE, seconds):
            raise damaged(self._path, f"{time - self._next:.2f} s of packets are missing at {self._next:.2f} s")
        self._next = time + seconds

    def check(self, place: int, rate: int) -> None:
        """Check the decoded length against the stated one.

        Raises:
            DataError: more than a packet is missing.
        """
        slack = 0 if self._codec.startswith(_LOSSLESS) and self._kind not in _WHOLE_PACKETS else _PACKET
        # Matroska states where a stream ends, which may begin later than the film does.
        late = round(max(0.0, self._begin or 0.0) * rate) if self._kind == _MATROSKA else 0
        expected = self.expected(rate) - late
        if self._exact and expected - place > slack + 0.01 * rate:
            raise truncated(self._path, f"{place / rate:.2f} of {expected / rate:.2f} s")


def _clock(text: str) -> float | None:
    """Parse a duration in Matroska's tag format, in seconds.

    >>> _clock("00:01:02.303000000")
    62.303
    """
    parts = text.split(":")
    try:
        return 3600 * int(parts[0]) + 60 * int(parts[1]) + float(parts[2]) if len(parts) == 3 else None
    except ValueError:
        return None
