"""Waveforms in NumPy files (.npy), without a sample rate: one channel or several; and other arrays of numbers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from randquant.audio.formats.recording import BLOCK, Block, Header, Recording
from randquant.errors import DataError, one_line

MAGIC = b"\x93NUMPY"
_CHANNELS = 8  # at most, in a table; more columns than that are features and no sound
_SHORTEST = 1_600  # frames of a table; fewer could be anything
_SCALES = {"int16": 1 / 32_768, "int32": 1 / 2_147_483_648, "float16": 1.0, "float32": 1.0, "float64": 1.0}


class ArrayRecording(Recording):
    """Samples that lie in the file as an array of numbers, which is mapped into memory.

    Args:
        frames: (T, C, ...), which `numbers` makes (T, C).
        rate: frames a second.
        scale: turns the numbers into samples of full scale 1.0.
        numbers: block by block; the frames as they are by default.
    """

    def __init__(
        self, path: Path, frames: NDArray, rate: int, scale: float, numbers: Callable[[NDArray], NDArray] = np.asarray
    ) -> None:
        super().__init__(path)
        self._frames, self._scale, self._numbers = frames, np.float32(scale), numbers
        self.header = Header(rate, frames.shape[1], len(frames), len(frames))

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        stop = min(len(self._frames), len(self._frames) if stop is None else stop)
        size = max(1, BLOCK // self.header.channels)
        for first in range(start, stop, size):
            block = self._numbers(self._frames[first : min(first + size, stop)]).astype(np.float32)
            block *= self._scale
            yield block


def open_array(path: Path, rate: int) -> ArrayRecording:
    """Open a waveform (T,), or channels as (T, C) or (C, T) if the shape tells which, at `rate` frames a second.

    int16 and int32 are taken at their own full scale, floating point at 1.0.

    Raises:
        DataError: it is no such array.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, TokenError) as error:
        raise DataError(
            f"{path} is not a NumPy file that can be read ({one_line(error)}); restore it or leave it out."
        ) from None
    if array.dtype.name not in _SCALES or array.ndim not in (1, 2):
        raise DataError(
            f"{path} holds {array.dtype.name} of shape {array.shape} where a waveform of int16, int32 or floating "
            "point in one or two dimensions is expected; leave it out or save it as one."
        )
    if array.size == 0:
        raise DataError(f"{path} holds no samples; leave it out or restore it.")
    frames = array[:, None] if array.ndim == 1 else _frames_first(path, array)
    return ArrayRecording(path, frames.view(np.ndarray), rate, _SCALES[array.dtype.name])


def _frames_first(path: Path, array: NDArray) -> NDArray:
    """Transpose to (T, C) an array that is clearly (T, C) or (C, T)."""
    fewer, more = sorted(array.shape)
    if fewer > _CHANNELS or more < _SHORTEST:
        raise DataError(
            f"{path} has the shape {array.shape}, which is not a waveform of up to {_CHANNELS} channels and at least "
            f"{_SHORTEST:,} frames; leave it out or save one channel."
        )
    return array if array.shape[0] == more else array.T
