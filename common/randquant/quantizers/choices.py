"""What a quantizer may be, known without PyTorch."""

from typing import Literal

MOST_BINS = 2**16  # finer bins change values by less than a 16-bit sample resolves, at the memory of their cuts
Edges = Literal["random", "jittered", "uniform"]
Value = Literal["random", "midpoint", "zero"]
