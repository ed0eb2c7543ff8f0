"""The interface of an open recording: sample rate, channels, and blocks of samples."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

Block = NDArray[np.float32]  # (frames, channels), full scale 1.0; float recordings may exceed it

Source = IO[bytes] | RawIOBase  # an open file, or one that shows a part of it

BLOCK = 1 << 21  # samples of all channels together that are held at once: 8 MB


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
    frames: int | None
    expected: int
    tracks: int = 1


class Recording(ABC):
    """An open audio file. Close it, or use it as a context manager.

    Attributes:
        path: of the file.
        header: what is known of it.
    """

    path: Path
    header: Header

    @abstractmethod
    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), or up to the end, in non-empty blocks of about `BLOCK` samples at most.

        To be asked for once.

        Raises:
            DataError: it is damaged, or holds less than its container states.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def truncated(path: Path, share: str) -> DataError:
    """The error for a recording shorter than its header states; `share` is the part that is present."""
    return DataError(f"{path} is truncated ({share} are there); restore it or leave it out.")


def damaged(path: Path, reason: str) -> DataError:
    """The error for a recording that cannot be decoded to its end."""
    return DataError(f"{path} is damaged ({reason.strip().rstrip('.')}); restore it or leave it out.")
