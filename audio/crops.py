"""Fixed-length crops of recordings and padding, determined by (seed, epoch, index)."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from randquant.draws import fractions

SAMPLE_RATE = 16_000  # Hz; every waveform in this project is mono at this rate

Pad = Literal["both", "tail"]
Samples = NDArray[np.int16]  # (T,), as stores hold them


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
    """Uniform crop positions, one per item, determined by (seed, epoch, index).

    Args:
        indices: (B,) item numbers.
        lengths: (B,) samples each item has.
        unit: samples a crop has.

    Returns:
        (B,) starts in [0, length - unit], zero where the item is no longer than the crop.
    """
    free = np.maximum(lengths - unit, 0) + 1
    return np.floor(fractions(indices, seed=seed, epoch=epoch) * free).astype(np.int64)


class CropParts(NamedTuple):
    """Of some positions, (B,) int64 each: part number `part` of the `parts` equal ones of recording `clip`."""

    clip: NDArray[np.int64]
    part: NDArray[np.int64]
    parts: NDArray[np.int64]


class CropPositions:
    """Positions count through the parts of all recordings, one recording after the other.

    One number per recording is kept in memory, not one per position: AudioSet has 18 million parts of a second.

    Args:
        often: (recordings,) int64, in how many parts each is taken; at least 1.
        together: consecutive parts of one recording that an epoch takes one after the other.
    """

    def __init__(self, often: NDArray[np.int64], together: int) -> None:
        self._ends, self._together = np.cumsum(often), together

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def clips(self, positions: NDArray[np.integer]) -> NDArray[np.int64]:
        """The recording of each position."""
        return np.searchsorted(self._ends, positions, side="right")

    def find(self, positions: NDArray[np.int64]) -> CropParts:
        """Recording and part of each position."""
        clip = self.clips(positions)
        first = np.where(clip > 0, self._ends[clip - 1], 0)
        return CropParts(clip, positions - first, self._ends[clip] - first)

    def order(self, generator: np.random.Generator) -> NDArray[np.integer]:
        """A permutation of the positions that keeps blocks of `together` whole; a recording's last may be smaller."""
        if self._together == 1:
            return _inverse(generator.permutation(len(self)))
        often = np.diff(self._ends, prepend=0)
        blocks = -(-often // self._together)
        last = np.cumsum(blocks)
        number = np.arange(last[-1]) - np.repeat(last - blocks, blocks)
        starts = np.repeat(self._ends - often, blocks) + number * self._together
        sizes = np.minimum(np.repeat(self._ends, blocks) - starts, self._together)
        taken = _inverse(generator.permutation(len(starts)))
        starts, sizes = starts[taken], sizes[taken]
        return np.arange(len(self)) + np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)


def _inverse(permutation: NDArray[np.int64]) -> NDArray[np.integer]:
    # In half the memory where that is enough: it is held for as long as the epoch lasts, by every loader.
    kind = np.int32 if len(permutation) <= np.iinfo(np.int32).max else np.int64
    inverse: NDArray[np.integer] = np.empty(len(permutation), kind)
    inverse[permutation] = np.arange(len(permutation), dtype=kind)
    return inverse
