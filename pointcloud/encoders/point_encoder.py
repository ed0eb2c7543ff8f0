"""What every encoder of point clouds is."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from pointcloud.layout import XYZ, XYZ_NORMALS

CHANNELS = {len(layout): layout.channels for layout in (XYZ, XYZ_NORMALS)}


class PointEncoder(nn.Module):
    """Clouds (B, N, C) -> embeddings (B, D).

    Args:
        channels: C: 3 for coordinates, 6 for coordinates and normals.
        embedding_size: D.
        arguments: all arguments of the subclass's constructor, JSON values; they make the same network again.

    Attributes:
        channels: names of the columns it reads, as in a store.
        arguments: as given.
        takes_neighbours: whether `forward` uses neighbourhoods found beforehand, those of `neighbourhoods`.
    """

    takes_neighbours: ClassVar[bool] = False

    def __init__(self, *, channels: int, embedding_size: int, arguments: Mapping[str, object]) -> None:
        super().__init__()
        if channels not in CHANNELS:
            raise ValueError(f"channels should be 3 (coordinates) or 6 (and normals), got {channels}.")
        self.channels = CHANNELS[channels]
        self.arguments = dict(arguments)
        self._embedding_size = embedding_size

    def embedding_size(self) -> int:
        """D."""
        return self._embedding_size

    def forward(self, points: Tensor, neighbours: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Embed clouds.

        Args:
            points: (B, N, C).
            neighbours: (B, M, k) int64, neighbourhoods found beforehand, for the encoders that take them.
            kept: (B, N) bool, the points that count; all where None.
        """
        raise NotImplementedError

    def neighbourhoods(self, xyz: Tensor) -> Tensor:
        """What `forward` takes as neighbours, found on coordinates (B, N, 3): (B, M, k) int64."""
        raise NotImplementedError

    def check(self, points: Tensor) -> None:
        """Refuse what is no batch of clouds of these channels.

        Raises:
            ValueError: another shape.
            TypeError: no floating-point numbers.
        """
        if points.ndim != 3 or points.shape[2] != len(self.channels) or points.shape[1] == 0:
            raise ValueError(f"expected clouds of shape (B, N, {len(self.channels)}), got {tuple(points.shape)}.")
        if not torch.is_floating_point(points):
            raise TypeError(f"expected clouds of floating-point numbers, got {points.dtype}.")
