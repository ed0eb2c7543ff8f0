"""A grid of occupied cells: the floor that any learned shape feature has to be far above."""

import torch
from torch import Tensor

from randquant.errors import UsageError
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.weights import NORMALISE, UP, LoadedPointEncoder

PREFIX = "occupancy:"
_MOST = 32  # cells along an edge: 32,768 features


class Occupancy(PointEncoder):
    """Which cells of a cube around the unit sphere hold a point; nothing in it is learned.

    Args:
        cells: along each edge of the cube [-1, 1]^3, 1 to 32.
    """

    def __init__(self, *, cells: int) -> None:
        if not 1 <= cells <= _MOST:
            raise ValueError(f"cells should be 1 to {_MOST}, got {cells}.")
        super().__init__(channels=3, embedding_size=cells**3, arguments={"cells": cells})
        self.cells = cells

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """(B, N, 3), kept (B, N) -> cells as 0 or 1 (B, cells^3), the last axis fastest.

        A point outside the cube counts in the cell nearest.
        """
        place = ((points.float() + 1) * (self.cells / 2)).floor().clamp(0, self.cells - 1).long()
        cell = (place[..., 0] * self.cells + place[..., 1]) * self.cells + place[..., 2]
        counted = torch.ones_like(points[..., 0]) if kept is None else kept.to(points.dtype)
        return counted.new_zeros(len(points), self.cells**3).scatter_reduce(1, cell, counted, "amax")


def occupancy(name: str) -> LoadedPointEncoder:
    """The grid that `name` says, such as occupancy:8.

    Raises:
        UsageError: no number of cells, or one out of range.
    """
    cells = name.removeprefix(PREFIX)
    try:
        encoder = Occupancy(cells=int(cells)).eval()
    except ValueError:
        raise UsageError(
            f"--checkpoint {name} should say occupancy:CELLS with 1 to {_MOST} cells along an edge, as in occupancy:8."
        ) from None
    report = f"a grid of {cells} x {cells} x {cells} cells, occupied or not: nothing is learned"
    # There are no tensors to take a hash of: the name says all.
    return LoadedPointEncoder(encoder, None, UP, NORMALISE, {"untrained": True}, report, f"occupancy-{int(cells)}")
