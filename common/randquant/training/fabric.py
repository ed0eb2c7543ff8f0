"""Lightning Fabric for a training: devices, processes and precision. Importing it takes two seconds: import it late."""

import logging
from typing import TYPE_CHECKING

import torch

from randquant.errors import UsageError
from randquant.training.settings import Training

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fabric_of(settings: Training) -> "Fabric":
    """The Fabric of a training.

    Raises:
        UsageError: fewer devices are here than asked for.
    """
    from lightning_fabric import Fabric  # late: --help should not wait for it

    from randquant.training.precision import precision_of

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the opening lines say what it would announce
    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and torch.cuda.device_count() < settings.devices:
        raise UsageError(
            f"--devices {settings.devices} were asked for but {torch.cuda.device_count()} CUDA devices are here; "
            "lower it or use --accelerator cpu."
        )
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if bf16_is_fast(accelerator) else "32"
    return Fabric(
        accelerator=accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy="ddp" if settings.devices * settings.nodes > 1 else "auto",
        plugins=[precision_of(precision, accelerator)],
    )


def bf16_is_fast(accelerator: str) -> bool:
    """Whether the processor multiplies bfloat16 in hardware."""
    if accelerator == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
