"""The memory of a training: what does not fit is refused before it is allocated."""

import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from randquant.errors import UsageError
from randquant.ssl.registry import make_method
from randquant.training.optimization.optimizer import MOMENTS
from randquant.training.settings import Training

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container
_LEAST_TIMES = 200  # the size of its input that a training may need


def host_memory() -> int:
    """Memory of this computer or container in bytes; 2**63 if unknown."""
    sizes = [2**63]
    with suppress(ValueError, OSError, AttributeError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # "max" where there is none
            sizes.append(int(Path(limit).read_text()))
    return min(sizes)


def trained_bytes(method: nn.Module, moments: int) -> int:
    """Of a method while it is trained: all tensors, and a trained weight's gradient and what its optimiser keeps."""
    held = sum(tensor.numel() * tensor.element_size() for tensor in (*method.parameters(), *method.buffers()))
    trained = sum(weight.numel() * weight.element_size() for weight in method.parameters() if weight.requires_grad)
    return held + (1 + moments) * trained


def activation_bytes(encoder: nn.Module, shape: Sequence[int]) -> int:
    """What the backward pass of an encoder needs at least: what each layer with weights hands to the next.

    Args:
        encoder: without weights, on the device "meta".
        shape: of its input.
    """
    sizes: list[int] = []

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        sizes.append(output.numel() * output.element_size())

    layers = [part for part in encoder.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(note) for layer in layers]
    encoder(torch.empty(*shape, device="meta"))
    for handle in handles:
        handle.remove()
    return sum(sizes)


def require_memory(
    settings: Training, make_encoder: Callable[[], Any], device: torch.device, item: Sequence[int] = ()
) -> None:
    """Refuse a training whose weights and activations alone exceed the whole memory of the device, or of the host.

    Args:
        settings: of the training.
        make_encoder: makes the encoder; here it is made without its weights.
        device: where it is to be trained.
        item: shape of what the encoder is given for one view of one item; its activations are left out without it.

    Raises:
        UsageError: there is not that much.
    """
    there = host_memory()
    if device.type == "cuda":
        there = min(there, torch.cuda.get_device_properties(device).total_memory)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        encoder = make_encoder()
        method = make_method(settings, encoder, encoder.embedding_size())
        needed = trained_bytes(method, len(MOMENTS[settings.optimizer]))
        if needed > there:
            names = ["d", "hidden_size", "projection_size", *(["queue_size"] if settings.method == "moco" else [])]
            raise _too_much(settings, names, needed, "weights, gradients and optimiser", there)
        views = 2 * (settings.batch_size // (settings.devices * settings.nodes * settings.accumulate))
        if item and _LEAST_TIMES * 4 * views * math.prod(item) > there:  # else the imports that it takes are spared
            needed += activation_bytes(encoder, (views, *item))
    if needed > there:
        raise _too_much(settings, ["image_size", "batch_size"], needed, "weights and activations", there)


def _too_much(settings: Training, names: list[str], needed: int, what: str, there: int) -> UsageError:
    flags = " ".join(f"--{name} {getattr(settings, name)}" for name in names if hasattr(settings, name))
    return UsageError(
        f"{flags} ask for {needed / 1e9:,.0f} GB for {what}, but there are {there / 1e9:,.0f} GB; lower them."
    )
