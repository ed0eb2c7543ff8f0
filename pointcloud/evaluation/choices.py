"""What the flags of an evaluation choose from."""

from typing import Literal

ProtocolName = Literal["audited", "crosspoint", "strl", "m2ae", "recon"]
