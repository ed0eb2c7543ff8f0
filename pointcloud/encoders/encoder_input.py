"""What an encoder of clouds takes: the points, and what is known of them beforehand."""

from typing import NamedTuple

from torch import Tensor


class Cloud(NamedTuple):
    """A batch of clouds, in the order of an encoder's arguments.

    Attributes:
        points: (B, N, C).
        neighbours: (B, M, k) int64, slots of the points next to each of the first M, found before the points were
            changed; None where the encoder is to find its own.
        kept: (B, N) bool, false where a slot holds a copy of another's point; None where all are genuine.
    """

    points: Tensor
    neighbours: Tensor | None = None
    kept: Tensor | None = None
