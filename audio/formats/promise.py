"""What a container that FFmpeg reads promises, held against what was decoded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio.formats.recording import truncated

# Containers whose header states the length of each stream, by their names in FFmpeg.
_EXACT = ("mov,mp4,m4a,3gp,3g2,mj2", "wv", "ape", "tta", "tak", "caf", "aiff", "shn", "mpc8", "dsf")
_EDITED = ("mov,mp4,m4a,3gp,3g2,mj2",)  # the length is where the sound ends, within the last packet
_PACKET = 4096  # frames; longer ones are those of lossless coders, whose length is exact


@dataclass(frozen=True)
class Promise:
    """The length that a container states.

    Attributes:
        path: of the file.
        kind: the container, by its name in FFmpeg.
        samples: of each channel, where they were counted.
        seconds: stated or estimated; None where it says nothing.
    """

    path: Path
    kind: str
    samples: int | None
    seconds: float | None

    @classmethod
    def of(cls, path: Path, container: Any, stream: Any, samples: int | None = None) -> "Promise":
        """Of an open container and one of its streams."""
        own = None if stream.duration is None else float(stream.duration * stream.time_base)
        whole = None if container.duration is None else container.duration / 1e6
        return cls(path, container.format.name, samples, own if own is not None else whole)

    def expected(self, rate: int) -> int:
        """About how many frames there are; 0 where nothing is stated."""
        return max(0, round((self.seconds or 0) * rate)) if self.samples is None else self.samples

    def left(self, place: int, rate: int) -> int | None:
        """How many frames may follow the first `place` ones; None where the container does not say."""
        return max(0, self.expected(rate) - place) if self.kind in _EDITED and self.seconds else None

    def check(self, place: int, rate: int) -> None:
        """Hold what was decoded to the end against what is stated.

        Raises:
            DataError: more than a packet is missing.
        """
        if (self.kind in _EXACT or self.samples is not None) and self.expected(rate) - place > _PACKET:
            raise truncated(self.path, f"{place / rate:.2f} of {self.expected(rate) / rate:.2f} s")
