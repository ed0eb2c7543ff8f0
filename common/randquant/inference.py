"""How features are computed, so that they depend on the input and the weights alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import ParamSpec

import torch
from torch import Tensor, nn

from randquant.precision import InForce, Precision

P = ParamSpec("P")

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


def bf16_is_fast(device: str | torch.device) -> bool:
    """Whether the processor of a device multiplies bfloat16 in hardware."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def in_force(precision: Precision, device: str | torch.device) -> InForce:
    """The precision on a device: `auto` is bf16 where its hardware computes that fast, else 32."""
    if precision == "auto":
        return "bf16" if bf16_is_fast(device) else "32"
    return precision


def in_precision(network: Callable[P, Tensor], precision: InForce, device: str | torch.device) -> Callable[P, Tensor]:
    """A network, or one of its methods, that computes in a precision and returns float32.

    In bf16 autocast decides what is rounded: products are, while sums, neighbours and what the network takes are not.
    """
    if precision == "32":
        return network
    kind = torch.device(device).type

    def computed(*args: P.args, **named: P.kwargs) -> Tensor:
        with torch.autocast(kind, torch.bfloat16):
            return network(*args, **named).float()

    return computed
