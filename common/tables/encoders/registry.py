"""The encoders of tables by name."""

from typing import Literal

from randquant.tables.encoders.mlp import MLP

EncoderName = Literal["MLP"]

ENCODERS: dict[str, type[MLP]] = {"MLP": MLP}
