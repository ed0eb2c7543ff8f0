"""Which samples of a recording are read: fixed-length crops and padding, decided by (seed, epoch, index) alone."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.draws import fractions

SAMPLE_RATE = 16_000  # Hz; every waveform in this project is mono at this rate

Pad = Literal["both", "tail"]


def fit_length(samples: NDArray, length: int, *, start: int = 0, pad: Pad = "both") -> NDArray:
    """Crop a waveform from `start`, or pad it with zeros, to exactly `length` samples.

    Args:
        samples: (T,) waveform of any dtype, T >= 0.
        length: samples wanted.
        start: first sample of the crop; used only where T > length.
        pad: where zeros go when T < length: "both" ends, the odd one at the tail (BYOL-A v1), or the "tail" (EVAR).

    Returns:
        (length,) array of the same dtype; a view where no padding was needed.

    >>> fit_length(np.array([1, 2, 3]), 6)
    array([0, 1, 2, 3, 0, 0])
    >>> fit_length(np.array([1, 2, 3]), 2, start=1)
    array([2, 3])
    """
    missing = length - len(samples)
    if missing <= 0:
        return samples[start : start + length]
    head = missing // 2 if pad == "both" else 0
    return np.pad(samples, (head, missing - head))


def random_starts(
    indices: NDArray[np.int64], lengths: NDArray[np.int64], unit: int, *, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Uniform crop positions, one an item, that depend on (seed, epoch, index) and on nothing else.

    Args:
        indices: (B,) item numbers.
        lengths: (B,) samples each item has.
        unit: samples a crop has.

    Returns:
        (B,) starts in [0, length - unit], zero where the item is no longer than the crop.
    """
    free = np.maximum(lengths - unit, 0) + 1
    return np.floor(fractions(indices, seed=seed, epoch=epoch) * free).astype(np.int64)
