"""From the channels of a recording to one: blocks (frames, channels) become waveforms."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from audio.formats.recording import Recording
from randquant.errors import DataError

Waveform = NDArray[np.float32]


def mixed(blocks: Iterable[NDArray[np.float32]], recording: Recording) -> Iterator[Waveform]:
    """The mean of the channels, block by block.

    Args:
        blocks: (frames, channels) float32 each.
        recording: that they come from.

    Raises:
        DataError: a sample is NaN or infinite.
    """
    for block in blocks:
        mono = block[:, 0] if block.shape[1] == 1 else _mean_of_channels(block)
        if not np.isfinite(mono).all():
            raise DataError(f"{recording.path} holds NaN or infinite samples; leave it out or restore it.")
        yield mono


def _mean_of_channels(block: NDArray[np.float32]) -> Waveform:
    # Column by column: numpy's mean over a short last axis is ten times slower.
    total = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    return total / np.float32(block.shape[1])
