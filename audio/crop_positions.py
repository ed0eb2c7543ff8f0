"""Which part of which recording each position of an epoch stands for, and in which order an epoch takes them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Parts(NamedTuple):
    """Of some positions, (B,) int64 each: part number `part` of the `parts` equal ones of recording `clip`."""

    clip: NDArray[np.int64]
    part: NDArray[np.int64]
    parts: NDArray[np.int64]


class CropPositions:
    """Positions count through the parts of all recordings, one recording after the other.

    One number a recording is held, whatever the length of an epoch: AudioSet has 18 million parts of a second.

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

    def find(self, positions: NDArray[np.int64]) -> Parts:
        """What each position stands for."""
        clip = self.clips(positions)
        first = np.where(clip > 0, self._ends[clip - 1], 0)
        return Parts(clip, positions - first, self._ends[clip] - first)

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
