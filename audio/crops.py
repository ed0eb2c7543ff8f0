"""Which samples of a recording are read: fixed-length crops and padding, decided by (seed, epoch, index) alone."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

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

    Neither worker, batch nor order enters, so the same epoch reads the same bytes on any machine, and resuming needs
    no stored random state. A counter-based hash (splitmix64; Steele et al., OOPSLA 2014) stands in for a generator.

    Args:
        indices: (B,) item numbers.
        lengths: (B,) samples each item has.
        unit: samples a crop has.

    Returns:
        (B,) starts in [0, length - unit], zero where the item is no longer than the crop.
    """
    with np.errstate(over="ignore"):
        bits = _splitmix64(np.uint64(seed) + np.uint64(0x632BE59BD9B4E019))
        bits = _splitmix64(bits ^ np.uint64(epoch))
        bits = _splitmix64(bits ^ indices.astype(np.uint64))
    fraction = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53  # 53 bits: uniform in [0, 1)
    return np.floor(fraction * (np.maximum(lengths - unit, 0) + 1)).astype(np.int64)


def _splitmix64(state: np.ndarray | np.uint64) -> np.ndarray:
    z = np.asarray(state, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
