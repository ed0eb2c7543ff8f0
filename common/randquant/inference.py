"""How features are computed, so that they depend on the input and the weights alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def inference() -> Iterator[None]:
    """Without gradients, and on a GPU without TensorFloat-32, which would let features depend on the kind of GPU."""
    # Whatever is not named here is switched off, cuDNN itself too.
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), flags:
        yield


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """A network in eval mode; afterwards each of its parts is in the mode that it was in."""
    modes = {part: part.training for part in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
