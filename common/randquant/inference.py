"""How features are computed, so that they depend on the input and the weights alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from torch import nn

_lock = Lock()
_evaluated: dict[nn.Module, tuple[int, dict[nn.Module, bool]]] = {}  # by how many threads now, and modes before


@contextmanager
def inference() -> Iterator[None]:
    """Without gradients, and on a GPU without TensorFloat-32, which would let features depend on the kind of GPU."""
    # Whatever is not named here is switched off, cuDNN itself too.
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), flags:
        yield


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """A network in eval mode; after the last thread that evaluates it, each of its parts is in the mode it was in."""
    with _lock:
        threads, modes = _evaluated.get(network, (0, {}))
        if not threads:
            modes = {part: part.training for part in network.modules()}
            network.eval()
        _evaluated[network] = threads + 1, modes
    try:
        yield
    finally:
        with _lock:
            threads, modes = _evaluated.pop(network)
            if threads > 1:
                _evaluated[network] = threads - 1, modes
            else:
                for part, training in modes.items():
                    part.training = training
