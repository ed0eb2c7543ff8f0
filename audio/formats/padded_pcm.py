"""PCM of fewer bits than its container has: 24 in 32, 20 in 24, 12 in 16.

The standard puts the sound into the upper bits and zeros below it. ALSA's S24_LE, as `arecord -f S24_LE` writes it,
lies in the lower 24 of 32 bits: libsndfile and FFmpeg read `s24le_in_32bit_plain_2s.wav` 256 times too quiet or as
noise. The samples themselves tell which one it is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from audio.formats.recording import BLOCK, Block, Header, Recording, truncated
from audio.formats.wav_header import WavHeader
from randquant.errors import DataError

_BITS = 32


class LowBitsRecording(Recording):
    """24 bits in the low bytes of 32, whatever the high byte holds.

    Args:
        path: of the file.
        file: open for reading; closed with this.
        header: of the file.
        size: bytes of sound.
    """

    def __init__(self, path: Path, file: IO[bytes], header: WavHeader, size: int) -> None:
        self.path, self._file, self._wav = path, file, header
        frames = size // (4 * header.channels)
        self.header = Header(header.rate, header.channels, frames, frames)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        total, channels = self.header.expected, self._wav.channels
        stop = total if stop is None else min(stop, total)
        for samples in _containers(self._file, self._wav, start * channels, stop * channels):
            yield ((samples << 8).astype(np.float32) / np.float32(1 << 31)).reshape(-1, channels)
            start += len(samples) // channels
        if start < stop:
            raise truncated(self.path, f"{start:,} of {stop:,} frames")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def is_low_aligned(path: Path, file: IO[bytes], header: WavHeader, size: int, valid: int) -> bool:
    """Whether the samples are in the low 24 of 32 bits rather than in the high ones.

    Args:
        path: for the message.
        file: open for reading.
        header: of the file.
        size: bytes of sound.
        valid: bits that carry sound, fewer than those of the container.

    Raises:
        DataError: the samples fit what the header says in neither way, or in both.
    """
    container = 8 * header.align // header.channels
    pad = container - valid
    upper, lower, sounds = True, True, False
    for samples in _containers(file, header, 0, size * 8 // container):
        upper = upper and not (samples & ((1 << pad) - 1)).any()
        above = samples >> (valid - 1)
        lower = lower and bool(((above == 0) | (above == -1) | ((samples >> valid) == 0)).all())
        sounds = sounds or bool(samples.any())
    # A header that follows the standard to the letter means the upper bits; the lower ones it may still hold.
    to_the_letter = header.extensible and header.bits == container
    if not upper and not lower and to_the_letter:
        return False  # more bits carry sound than it says, which does no harm
    if not sounds or (upper and not lower):
        return False
    if (container, valid) == (32, 24) and lower and not to_the_letter:
        return True
    if upper and pad < 8:
        return False
    raise DataError(
        f"{path} states {valid} bits in containers of {container}, and its samples do not show whether the upper "
        "or the lower bits are meant; convert it with the program it comes from, or leave it out."
    )


def _containers(file: IO[bytes], header: WavHeader, first: int, last: int) -> Iterator[NDArray[np.int32]]:
    """Samples [first, last) of all channels as signed integers, in blocks of whole frames."""
    width = header.align // header.channels
    size = max(1, BLOCK // header.channels) * header.channels
    file.seek(header.start + first * width)
    while first < last:
        data = file.read(min(size, last - first) * width)
        usable = len(data) // (width * header.channels) * header.channels
        if usable == 0:
            return
        yield _integers(data[: usable * width], width, header.order)
        first += usable


def _integers(data: bytes, width: int, order: str) -> NDArray[np.int32]:
    if width != 3:
        return np.frombuffer(data, f"{order}i{width}").astype(np.int32)
    three = np.frombuffer(data, np.uint8).reshape(-1, 3)
    low, middle, high = three.T if order == "<" else three.T[::-1]
    return (high.astype(np.int8).astype(np.int32) << 16) | (middle.astype(np.int32) << 8) | low
