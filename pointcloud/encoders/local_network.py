"""Two layers over what lies around a point, and the maximum."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.kernels.edges import edges_of
from randquant.pointcloud.encoders.highest_normed import highest_normed, positive_normed, takes_edges
from randquant.pointcloud.encoders.shared_layer import SharedLayer
from randquant.pointcloud.points.geometry import group


class LocalNetwork(nn.Sequential):
    """Two shared layers over the relative places and the features of neighbours; the maximum over them.

    Args:
        inputs: columns of the points, coordinates first.
        hidden: columns after the first layer.
        outputs: columns after the second.
        activated: whether the second ends with a ReLU.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, activated: bool = True) -> None:
        super().__init__(SharedLayer(inputs, hidden), SharedLayer(hidden, outputs, activated))

    def forward(self, xyz: Tensor, features: Tensor, centres: Tensor, index: Tensor, radius: float = 1.0) -> Tensor:  # type: ignore[override]
        """Embed neighbourhoods.

        Args:
            xyz: (B, N, 3) places.
            features: (B, N, C).
            centres: (B, M, 3) places of the centres.
            index: (B, M, k) int64, the points around each.
            radius: that places are divided by.

        Returns:
            (B, M, outputs).
        """
        if self._takes_edges(xyz, features, index):
            return self._of_edges(xyz, features, centres, index, radius)
        places = group(xyz, index) - centres[:, :, None]
        places = (places if radius == 1.0 else places / radius).to(features.dtype)
        balls = torch.cat([places, group(features, index)], dim=-1) if features.shape[-1] else places
        found: Tensor = super().forward(balls)
        return found.amax(dim=2)

    def _takes_edges(self, xyz: Tensor, features: Tensor, index: Tensor) -> bool:
        if torch.is_autocast_enabled(xyz.device.type) or features.dtype != xyz.dtype:
            return False
        return all(takes_edges(layer.norm, xyz, index) for layer in self._layers())

    def _layers(self) -> tuple[SharedLayer, SharedLayer]:
        return cast(tuple[SharedLayer, SharedLayer], tuple(self))

    def _of_edges(self, xyz: Tensor, features: Tensor, centres: Tensor, index: Tensor, radius: float) -> Tensor:
        """The first layer is linear in place and features of a neighbour and in its centre's place, so each is
        multiplied once instead of once an edge."""
        first, last = self._layers()
        weight = first.linear.weight
        place = weight[:, :3] / radius
        near = F.linear(xyz, place)
        if features.shape[-1]:
            near = near + F.linear(features, weight[:, 3:])
        edges = edges_of(index, xyz.shape[1])
        rows = last.linear(positive_normed(first.norm, near, edges, F.linear(centres, -place)))
        highest = highest_normed(last.norm, rows, edges.as_rows(), rows.new_zeros(*index.shape[:2], rows.shape[-1]))
        return F.relu(highest) if last.activated else highest
