"""Training precision: float32, or bfloat16 where autocast applies it.

Loads Lightning Fabric, which takes two seconds: import it where a training begins.
"""

from typing import Any, Literal

from randquant.extras import needs

with needs("train"):
    from lightning_fabric.plugins import MixedPrecision, Precision


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


def precision_of(name: Literal["32", "bf16"], device: str) -> Precision:
    """The plugin that Fabric takes."""
    return AutocastPrecision(device) if name == "bf16" else Precision()
