"""Uniform numbers of PyTorch's generator on a CPU, the same as `torch.rand` gives and six times as fast."""

import os
import threading
from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

_LEAST = 2**12  # numbers that are worth reading and writing the state

# Where a state as bytes holds, in the machine's order: words until the next state and one; the first that is not used;
# and the words, eight bytes each.
_LEFT, _NEXT, _WORDS = slice(8, 12), slice(16, 24), slice(24, 5016)
_SIZE = 5056

# Of looking whether the state is still the one that was read, and writing: no other thread draws here in between.
_WRITING = threading.Lock()
os.register_at_fork(before=_WRITING.acquire, after_in_parent=_WRITING.release, after_in_child=_WRITING.release)


def uniform(size: Sequence[int], generator: torch.Generator | None) -> Tensor:
    """`torch.rand(size)` in float32, the generator ending where that would leave it. Needs numba.

    Args:
        size: of the result.
        generator: on the CPU; PyTorch's own where there is none.
    """
    source, count = torch.default_generator if generator is None else generator, prod(size)
    before = source.get_state() if count >= _LEAST and source.device.type == "cpu" else torch.empty(0)
    if len(before) != _SIZE:  # not worth it, or another PyTorch's
        return torch.rand(tuple(size), dtype=torch.float32, generator=source)
    out = torch.empty(tuple(size), dtype=torch.float32)
    after = _filled(out, before)
    with _WRITING:
        if not torch.equal(source.get_state(), before):  # another thread has drawn meanwhile
            return torch.rand(tuple(size), dtype=torch.float32, generator=source)
        source.set_state(after)
    return out


def _filled(out: Tensor, before: Tensor) -> Tensor:
    """Fill out; the state after that."""
    from randquant.kernels.compiled import mersenne_twister

    after = before.clone()
    state = after.numpy()
    left, following, wide = state[_LEFT].view(np.int32), state[_NEXT].view(np.int64), state[_WORDS].view(np.int64)
    words = np.empty(mersenne_twister.WORDS + 1, np.uint32)
    words[:-1] = wide
    # A fresh generator has one left, of a state that is not to be used.
    used = mersenne_twister.uniform(words, mersenne_twister.WORDS + 1 - left[0], out.numpy().reshape(-1))
    left[0], following[0], wide[:] = mersenne_twister.WORDS + 1 - used, used, words[:-1]
    return after
