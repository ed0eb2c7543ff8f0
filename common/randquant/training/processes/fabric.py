"""Lightning Fabric for a training: devices, processes and precision. Loading it takes two seconds: import it late."""

import logging
from typing import Any

import torch

from randquant.errors import UsageError
from randquant.extras import needs
from randquant.inference import in_force
from randquant.precision import InForce
from randquant.training.settings import Training

with needs("train"):
    from lightning_fabric import Fabric
    from lightning_fabric.plugins import MixedPrecision, Precision


def fabric_of(settings: Training) -> Fabric:
    """The Fabric of a training.

    Raises:
        UsageError: fewer devices are here than asked for.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the opening lines say what it would announce
    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and torch.cuda.device_count() < settings.devices:
        raise UsageError(
            f"--devices {settings.devices} were asked for but {torch.cuda.device_count()} CUDA devices are here; "
            "lower it or use --accelerator cpu."
        )
    return Fabric(
        accelerator=accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy="ddp" if settings.devices * settings.nodes > 1 else "auto",
        plugins=[precision_of(in_force(settings.precision, accelerator), accelerator)],
    )


class AutocastPrecision(MixedPrecision):
    """Mixed bfloat16 in which autocast alone decides what is rounded.

    Fabric's own casts every input of the module first: coordinates and log-mels would lose all but eight bits before
    neighbours are searched and differences taken.

    Args:
        device: type of the device, cpu or cuda.
    """

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device=device)

    def convert_input(self, data: Any) -> Any:
        """The data as they are."""
        return data


def precision_of(name: InForce, device: str) -> Precision:
    """The plugin that Fabric takes."""
    return AutocastPrecision(device) if name == "bf16" else Precision()
