"""The batch of clouds that augmentations change and encoders read."""

from typing import NamedTuple

import torch
from torch import Tensor


class CloudBatch(NamedTuple):
    """A batch of clouds and what is known about them, in the order of an encoder's arguments.

    Attributes:
        points: (B, N, C).
        neighbours: (B, M, k) int64, slots of the points next to each of the first M, found before the points were
            changed; None where the encoder finds its own.
        kept: (B, N) bool, false where a slot holds a copy of another's point; None where all are genuine.
    """

    points: Tensor
    neighbours: Tensor | None = None
    kept: Tensor | None = None

    def with_points(self, points: Tensor, kept: Tensor | None = None) -> "CloudBatch":
        """The same clouds with other points in the same slots and, where given, other `kept`."""
        # Not _replace, which torch.compile does not follow.
        return CloudBatch(points, self.neighbours, self.kept if kept is None else kept)

    @property
    def genuine(self) -> Tensor:
        """`kept`, all true where it is None."""
        if self.kept is not None:
            return self.kept
        return torch.ones(self.points.shape[:2], dtype=torch.bool, device=self.points.device)
