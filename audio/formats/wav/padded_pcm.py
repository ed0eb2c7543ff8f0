"""PCM of fewer bits than its container has: 24 in 32, 20 in 24, 12 in 16.

The standard puts the sound into the upper bits and zeros below it. ALSA's S24_LE, as `arecord -f S24_LE` writes it,
lies in the lower 24 of 32 bits: libsndfile and FFmpeg read `s24le_in_32bit_plain_2s.wav` 256 times too quiet or as
noise. The samples themselves tell which one it is.
"""

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from randquant.audio.formats.array import ArrayRecording
from randquant.audio.formats.recording import BLOCK
from randquant.audio.formats.wav.wav_header import SampleLayout
from randquant.errors import DataError


def open_low_aligned(
    path: Path, file: IO[bytes], header: SampleLayout, size: int, width: int, valid: int
) -> ArrayRecording | None:
    """Open sound in the low 24 of 32 bits, whatever the high byte holds; None if it is in the high bits.

    Args:
        size: bytes of sound.
        width: bytes of a container.
        valid: bits of a container that carry sound, fewer than all.

    Raises:
        DataError: the samples fit what the header says in neither way, or in both.
    """
    shape = (size // (width * header.channels), header.channels, width)
    if shape[0] == 0:
        return None
    # Byte by byte, the least significant one first.
    frames = np.memmap(file, np.uint8, "r", header.start, shape)[..., :: 1 if header.order == "<" else -1]
    if not _is_low_aligned(path, frames, header, valid):
        return None
    return ArrayRecording(path, frames, header.rate, 1 / (1 << 31), lambda block: _signed(block) << 8)


def _is_low_aligned(path: Path, frames: NDArray[np.uint8], header: SampleLayout, valid: int) -> bool:
    container = 8 * frames.shape[2]
    pad = container - valid
    upper, lower, sounds = True, True, False
    size = max(1, BLOCK // header.channels)
    for first in range(0, len(frames), size):
        samples = _signed(frames[first : first + size])
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


def _signed(containers: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(frames, channels) integers of (frames, channels, bytes)."""
    *shape, width = containers.shape
    wide = np.zeros((*shape, 4), np.uint8)
    wide[..., 4 - width :] = containers
    return wide.view("<i4")[..., 0] >> (32 - 8 * width)
