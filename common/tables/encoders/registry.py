"""The encoders of tables by name."""

from typing import TYPE_CHECKING, Literal

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.tables.encoders.mlp import MLP

ENCODERS: LateRegistry["type[MLP]"] = LateRegistry(
    "randquant.tables.encoders",
    {
        "MLP": "mlp:MLP",
    },
)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
