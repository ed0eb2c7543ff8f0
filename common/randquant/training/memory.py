"""The memory of a training: what does not fit is refused before it is allocated, what was freed is kept."""

import ctypes
import os
import sys
from collections.abc import Callable
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
# Options of mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


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


def require_memory(settings: Training, make_encoder: Callable[[], Any], device: torch.device) -> None:
    """Refuse a training whose weights alone exceed the whole memory of the device, or of the host.

    Args:
        settings: of the training.
        make_encoder: makes the encoder; here it is made without its weights.
        device: where it is to be trained.

    Raises:
        UsageError: there is not that much.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        encoder = make_encoder()
        needed = trained_bytes(
            make_method(settings, encoder, encoder.embedding_size()), len(MOMENTS[settings.optimizer])
        )
    there = host_memory()
    if device.type == "cuda":
        there = min(there, torch.cuda.get_device_properties(device).total_memory)
    if needed > there:
        names = ["d", "hidden_size", "projection_size", *(["queue_size"] if settings.method == "moco" else [])]
        flags = " ".join(f"--{name} {getattr(settings, name)}" for name in names if hasattr(settings, name))
        raise UsageError(
            f"{flags} ask for {needed / 1e9:,.0f} GB for weights, gradients and optimiser, but there are "
            f"{there / 1e9:,.0f} GB; lower them."
        )


def keep_freed_memory() -> None:
    """Ask the C library to hold on to freed blocks of any size, for the life of the process.

    glibc gives a freed block of more than 32 MB straight back to the kernel, and every step's activations are such
    blocks: each is mapped, zeroed and unmapped again, which takes up to half of a step. Without glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_TOP_PAD, 2**28)
