"""The interface of an open recording: sample rate, channels, and blocks of samples; and the limits on one file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

Block = NDArray[np.float32]  # (frames, channels), full scale 1.0; float recordings may exceed it

Source = IO[bytes] | RawIOBase  # an open file, or one that shows a part of it

BLOCK = 1 << 21  # samples of all channels together that are held at once: 8 MB
# A header of a few bytes cannot fill memory or disk.
RATES = (1_000, 1_000_000)  # Hz; below is no sound that an encoder at 16 kHz could use, above no recording
MOST_CHANNELS = 128
MOST_HOURS = 48.0


@dataclass(frozen=True)
class Header:
    """Sample rate, channels and length as the file states them.

    Attributes:
        rate: frames a second.
        channels: samples a frame.
        frames: how many; None where only decoding tells.
        expected: about how many, as the container says or its bit rate suggests; 0 where nothing does.
        tracks: of sound in the container, of which this is the default one.
    """

    rate: int
    channels: int
    frames: int | None = None
    expected: int = 0
    tracks: int = 1

    def check(self, path: Path) -> None:
        """Refuse an implausible header before anything is decoded.

        Raises:
            DataError: its rate, its channels or its length is beyond the limits, or it is empty.
        """
        if not RATES[0] <= self.rate <= RATES[1]:
            raise DataError(
                f"{path} states {self.rate:,} Hz, where {RATES[0]:,} to {RATES[1]:,} Hz are taken; restore its header "
                "or leave it out."
            )
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise DataError(f"{path} states {self.channels:,} channels; at most {MOST_CHANNELS} are taken.")
        if self.frames is not None and self.frames <= 0:
            raise DataError(f"{path} holds no samples; leave it out or restore it.")
        check_length(path, self.frames or 0, self.rate)


def check_length(path: Path, frames: int, rate: int) -> None:
    """Refuse a recording that exceeds the limit, by its header or by the number of frames decoded so far.

    Raises:
        DataError: it is.
    """
    if frames > MOST_HOURS * 3600 * rate:
        raise DataError(f"{path} is longer than {MOST_HOURS:g} hours ({frames:,} samples at {rate:,} Hz); split it.")


class Recording(ABC):
    """An open audio file. Close it, or use it as a context manager.

    Args:
        path: of the file.
        held: what is closed with it.

    Attributes:
        header: what is known of it.
    """

    header: Header

    def __init__(self, path: Path, *held: Any) -> None:
        self.path, self.held = path, [*held]

    @abstractmethod
    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), or up to the end, in non-empty blocks of about `BLOCK` samples at most.

        To be asked for once.

        Raises:
            DataError: it is damaged, or holds less than its container states.
        """

    def integers(self) -> Iterator[NDArray[np.int16]] | None:
        """All frames in blocks (frames, channels) of 16 bits, full scale 32,768; None where they are coded otherwise.

        Instead of `blocks`, whose frames are these by 32,768.
        """
        return None

    def close(self) -> None:
        """Close the file."""
        for each in self.held:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        # PyAV's containers refer to themselves, so one that nobody closed would wait for the garbage collector.
        self.close()


def truncated(path: Path, share: str) -> DataError:
    """The error for a recording shorter than its header states; `share` is the part that is present."""
    return DataError(f"{path} is truncated ({share} are there); restore it or leave it out.")


def damaged(path: Path, reason: str) -> DataError:
    """The error for a recording that cannot be decoded to its end."""
    return DataError(f"{path} is damaged ({reason.strip().rstrip('.')}); restore it or leave it out.")


def contradictory(path: Path, what: str) -> DataError:
    """The error for a header that says two things of one sound."""
    return DataError(f"{path} contradicts itself: {what}; convert it with the program it comes from, or leave it out.")
