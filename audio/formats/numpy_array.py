"""Waveforms in NumPy files (.npy): one channel or several, without a sample rate."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.formats.recording import BLOCK, Block, Header, Recording
from randquant.errors import DataError

MAGIC = b"\x93NUMPY"
_CHANNELS = 8  # at most, in a table; more columns than that are features and no sound
_SHORTEST = 1_600  # frames of a table; fewer could be anything
_SCALES = {"int16": 1 / 32_768, "int32": 1 / 2_147_483_648, "float16": 1.0, "float32": 1.0, "float64": 1.0}


class NumpyRecording(Recording):
    """A waveform (T,), or channels as (T, C) or (C, T) if the shape tells which.

    int16 and int32 are taken at their own full scale, floating point at 1.0.

    Args:
        path: of the file.
        rate: frames a second, which the file does not say.

    Raises:
        DataError: it is no such array.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self.path = path
        array = _array(path)
        self._scale = np.float32(_SCALES[array.dtype.name])
        self._frames = array[:, None] if array.ndim == 1 else _frames_first(path, array)
        count, channels = self._frames.shape
        self.header = Header(rate, channels, count, count)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        count, channels = self._frames.shape
        stop = count if stop is None else min(stop, count)
        size = max(1, BLOCK // channels)
        for first in range(start, stop, size):
            block = self._frames[first : min(first + size, stop)].astype(np.float32)
            block *= self._scale
            yield block

    def close(self) -> None:
        """Do nothing: the memory map is released with the object."""


def _array(path: Path) -> NDArray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"{path} is no NumPy file that can be read ({reason}); restore it or leave it out.") from None
    if array.dtype.name not in _SCALES or array.ndim not in (1, 2):
        raise DataError(
            f"{path} holds {array.dtype.name} of shape {array.shape} where a waveform of int16, int32 or floating "
            "point in one or two dimensions is expected; leave it out or save it as one."
        )
    if array.size == 0:
        raise DataError(f"{path} holds no samples; leave it out or restore it.")
    return array.view(np.ndarray)


def _frames_first(path: Path, array: NDArray) -> NDArray:
    """Transpose to (T, C) an array that is clearly (T, C) or (C, T)."""
    fewer, more = sorted(array.shape)
    if fewer > _CHANNELS or more < _SHORTEST:
        raise DataError(
            f"{path} has the shape {array.shape}, which is no waveform of up to {_CHANNELS} channels and at least "
            f"{_SHORTEST:,} frames; leave it out or save one channel."
        )
    return array if array.shape[0] == more else array.T
