"""What the flags of an evaluation choose from."""

from typing import Literal

ProtocolName = Literal["byola-v1", "evar"]
Statistics = Literal["task", "checkpoint"]
StatisticsScope = Literal["protocol", "fold"]
