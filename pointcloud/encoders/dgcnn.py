"""DGCNN: edge convolutions over neighbourhoods that every layer finds anew among its features."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pointcloud.augment.dropped_points import SPARE, kept_neighbours, kept_slots
from pointcloud.encoders.point_encoder import PointEncoder
from pointcloud.geometry import group

WIDTHS = (64, 64, 128, 256)
SLOPE = 0.2  # of the leaky ReLU
_BLOCK = 2**25  # distances held at a time


class DGCNN(PointEncoder):
    """Four edge convolutions 64-64-128-256, one layer to d over them all, maximum ++ mean over the points.

    The encoder of most published contrastive numbers. Tensors are named as in the public PyTorch versions (`conv1.0`
    the convolution, `conv1.1` its batch norm).

    Args:
        d: channels of the last layer, 1024 as published; the embedding has 2 d numbers.
        channels: columns of the points it reads, coordinates first.
        k: neighbours of a point, itself among them; a cloud of fewer points has as many as points.

    Source: Wang et al., TOG 2019.
    """

    takes_neighbours = True

    def __init__(self, d: int = 1024, channels: int = 3, k: int = 20) -> None:
        if d < 1 or k < 1:
            raise ValueError(f"d and k should be at least 1, got {d} and {k}.")
        super().__init__(channels=channels, embedding_size=2 * d, arguments={"d": d, "channels": channels, "k": k})
        self.k = k
        inputs = [channels, *WIDTHS[:-1]]
        for number, (width, outputs) in enumerate(zip(inputs, WIDTHS, strict=True), 1):
            layer = nn.Sequential(nn.Conv2d(2 * width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
            self.add_module(f"conv{number}", layer)
        self.conv5 = nn.Sequential(nn.Conv1d(sum(WIDTHS), d, 1, bias=False), nn.BatchNorm1d(d))

    def set_neighbours(self, k: int) -> None:
        """Take another number of neighbours, which no tensor depends on."""
        if k < 1:
            raise ValueError(f"k should be at least 1, got {k}.")
        self.k = k
        self.arguments["k"] = k

    def neighbourhoods(self, xyz: Tensor) -> Tensor:
        """The nearest points of every point (B, N, 3), for the first layer: (B, N, 2 k) int64, of which k are taken."""
        return nearest_features(xyz, SPARE * self.k)

    def forward(self, points: Tensor, neighbours: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Embed clouds.

        Args:
            points: (B, N, channels).
            neighbours: (B, N, k or more) int64 for the first layer, found on cleaner coordinates say; later layers find
                their own among features.
            kept: (B, N) bool, the points that count; the others are nobody's neighbours.

        Returns:
            (B, 2 d).
        """
        self.check(points)
        x = points
        if kept is not None:
            x = group(points, kept_slots(kept))
        if neighbours is not None:
            _, neighbours = kept_neighbours(neighbours, kept, min(self.k, neighbours.shape[2]))
        layers = []
        for number in range(1, 5):
            index = neighbours if number == 1 and neighbours is not None else nearest_features(x, self.k, kept)
            x = self._edges(self.get_submodule(f"conv{number}"), x, index)
            layers.append(x)
        together = torch.cat(layers, dim=-1).transpose(1, 2)
        features = F.leaky_relu(self.conv5(together), SLOPE)
        return torch.cat([features.amax(dim=2), _mean(features, kept)], dim=-1)

    def _edges(self, layer: nn.Module, x: Tensor, index: Tensor) -> Tensor:
        """One edge convolution: features (B, N, C), neighbours (B, N, k) -> (B, N, C').

        The convolution of [x_j - x_i, x_i] is linear, so each point is multiplied once instead of k times.
        """
        norm = layer.get_submodule("1")
        weight = layer.get_parameter("0.weight").flatten(1)
        difference, own = weight[:, : x.shape[-1]], weight[:, x.shape[-1] :]
        # Coordinates of neighbours differ little: in half precision the difference of their products would be noise.
        half = torch.is_autocast_enabled(x.device.type) and x.shape[-1] >= WIDTHS[0]
        x = x if half else x.to(weight.dtype)
        with torch.autocast(x.device.type, enabled=half):
            edges = group(F.linear(x, difference), index) + F.linear(x, own - difference)[:, :, None]
        return F.leaky_relu(norm(edges.permute(0, 3, 1, 2)), SLOPE).amax(dim=-1).transpose(1, 2)


@torch.no_grad()
def nearest_features(x: Tensor, k: int, kept: Tensor | None = None) -> Tensor:
    """The k nearest of each row among its cloud's features (B, N, C) -> (B, N, min(k, N)) int64.

    Where fewer than k are kept, the nearest stands in for those that are missing.
    """
    k = min(k, x.shape[1])
    parts = max(1, _BLOCK // x.shape[1] ** 2)
    masks = [None] * len(x) if kept is None else kept.split(parts)
    return torch.cat([_nearest(part, k, mask) for part, mask in zip(x.float().split(parts), masks, strict=False)])


def _nearest(x: Tensor, k: int, kept: Tensor | None) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        square = x.square().sum(dim=-1)
        distances = square[:, :, None] - 2.0 * x @ x.transpose(1, 2) + square[:, None]
    if kept is not None:
        distances = distances.masked_fill(~(kept | ~kept.any(dim=1, keepdim=True))[:, None], torch.inf)
    found = distances.topk(k, dim=-1, largest=False)
    return torch.where(found.values.isinf(), found.indices[..., :1], found.indices)


def _mean(features: Tensor, kept: Tensor | None) -> Tensor:
    """Over the kept of (B, C, N)."""
    exact = torch.promote_types(features.dtype, torch.float32)
    if kept is None:
        return features.mean(dim=2, dtype=exact)
    weight = (kept | ~kept.any(dim=1, keepdim=True))[:, None].to(features.dtype)
    return (features * weight).sum(dim=2, dtype=exact) / weight.sum(dim=2, dtype=exact)
