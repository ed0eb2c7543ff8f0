"""MT19937, the generator of PyTorch on a CPU, many numbers at a time.

Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998.
"""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import address, ahead

WORDS = 624  # of the state
_LAG = 397
_PART = WORDS - _LAG
_32 = np.uint32  # around every operation: numba widens integers, and the compiler vectorises only narrow ones
_HIGH, _LOW, _MATRIX = _32(0x80000000), _32(0x7FFFFFFF), _32(0x9908B0DF)
_ZERO, _ONE = _32(0), _32(1)


@compiled
def uniform(words: Any, used: int, out: Any) -> int:
    """Fill numbers in [0, 1) of 24 bits, as PyTorch makes them.

    Args:
        words: (WORDS + 1) uint32, the state; the last is scratch.
        used: how many of them are.
        out: (N) float32.

    Returns:
        How many of the state's words are used now.
    """
    done, numbers, state = 0, address(out), address(words)
    while done < len(out):
        if used == WORDS:
            _next_state(state)
            used = 0
        count = min(WORDS - used, len(out) - done)
        _temper(ahead(state, used), count, ahead(numbers, done))
        done, used = done + count, used + count
    return used


@compiled
def _next_state(state: Any) -> None:
    """In parts that do not write what they read further on, so that each is vectorised."""
    _twist(state, ahead(state, _LAG), _PART)
    state[WORDS] = state[0]
    _twist(ahead(state, _PART), state, _PART)
    _twist(ahead(state, 2 * _PART), ahead(state, _PART), WORDS - 2 * _PART)


@compiled
def _twist(words: Any, far: Any, count: int) -> None:
    for i in range(count):
        mixed = _32((words[i] & _HIGH) | (words[i + 1] & _LOW))
        words[i] = _32(far[i] ^ _32(mixed >> _ONE) ^ _32(_32(_ZERO - _32(mixed & _ONE)) & _MATRIX))


@compiled
def _temper(words: Any, count: int, out: Any) -> None:
    for i in range(count):
        y = words[i]
        y = _32(y ^ _32(y >> _32(11)))
        y = _32(y ^ _32(_32(y << _32(7)) & _32(0x9D2C5680)))
        y = _32(y ^ _32(_32(y << _32(15)) & _32(0xEFC60000)))
        y = _32(y ^ _32(y >> _32(18)))
        out[i] = np.float32(np.int32(y & _32(0xFFFFFF))) * np.float32(2.0**-24)
