"""Random numbers determined by (seed, epoch, item)."""

import numpy as np
from numpy.typing import NDArray


def fractions(indices: NDArray[np.int64], *, seed: int, epoch: int) -> NDArray[np.float64]:
    """One uniform number in [0, 1) per item.

    Neither worker, batch nor order enters, so the same epoch reads the same bytes on any machine, and resuming needs
    no stored random state. A counter-based hash (splitmix64; Steele et al., OOPSLA 2014) stands in for a generator.

    Args:
        indices: (B,) item numbers.
        seed: at least 0.
        epoch: or any other counter, at least 0.
    """
    with np.errstate(over="ignore"):
        bits = _splitmix64(np.uint64(seed) + np.uint64(0x632BE59BD9B4E019))
        bits = _splitmix64(bits ^ np.uint64(epoch))
        bits = _splitmix64(bits ^ indices.astype(np.uint64))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53  # 53 bits


def _splitmix64(state: np.ndarray | np.uint64) -> np.ndarray:
    z = np.asarray(state, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
