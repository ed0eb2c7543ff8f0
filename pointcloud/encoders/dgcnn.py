"""DGCNN: edge convolutions over neighbourhoods that every layer finds again among its features."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.kernels import neighbourhoods
from randquant.kernels.edges import edges_of
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropped_points import SPARE, kept_neighbours, kept_slots
from randquant.pointcloud.encoders.highest_normed import highest_normed, takes_edges
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.points.geometry import group
from randquant.pointcloud.points.segment import segment_reduce
from randquant.stages import Tap

WIDTHS = (64, 64, 128, 256)
SLOPE = 0.2  # of the leaky ReLU
_BLOCK = 2**25  # distances held at a time
_ROWS = {"cpu": 2**9, "cuda": 2**15}  # points whose edges are held at a time where nothing is trained


class DGCNN(PointEncoder):
    """Four edge convolutions 64-64-128-256, one layer to d over them all, maximum ++ mean over the points.

    The encoder of most published contrastive numbers. Tensors are named as in the public PyTorch versions (`conv1.0`
    the convolution, `conv1.1` its batch norm).

    Args:
        d: channels of the last layer, 1024 as published; the embedding has 2 d numbers.
        channels: columns of the points it reads, coordinates first.
        k: neighbours of a point, itself among them; a cloud of fewer points has as many as points.
        part: points of a part, as for `set_part`.

    Source: Wang et al., TOG 2019.
    """

    takes_neighbours = True
    trains_packed = True
    most_points = 2**16

    def __init__(self, d: int = 1024, channels: int = 3, k: int = 20, part: int = 0) -> None:
        if d < 1 or k < 1:
            raise ValueError(f"d and k should be at least 1, got {d} and {k}.")
        arguments = {"d": d, "channels": channels, "k": k}
        super().__init__(channels=channels, embedding_size=2 * d, arguments=arguments, part=part)
        self.k = k
        inputs = [channels, *WIDTHS[:-1]]
        for number, (width, outputs) in enumerate(zip(inputs, WIDTHS, strict=True), 1):
            layer = nn.Sequential(nn.Conv2d(2 * width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
            self.add_module(f"conv{number}", layer)
        self.conv5 = nn.Sequential(nn.Conv1d(sum(WIDTHS), d, 1, bias=False), nn.BatchNorm1d(d))

        self.taps = nn.ModuleList(Tap() for _ in WIDTHS)

    @property
    def stages(self) -> dict[str, nn.Module]:
        """edges1 to edges4: features (B, N, C) of the points after an edge convolution, and those before them.

        The last layer reads the features of all convolutions, so what acts at a stage acts on all there are by then.
        """
        return {f"edges{number}": tap for number, tap in enumerate(self.taps, 1)}

    def set_neighbours(self, k: int) -> None:
        """Take another number of neighbours, which no tensor depends on."""
        if k < 1:
            raise ValueError(f"k should be at least 1, got {k}.")
        self.k = k
        self.arguments["k"] = k

    def neighbourhoods(self, xyz: Tensor) -> Tensor:
        """The nearest points of every point (B, N, 3), for the first layer: (B, N, 2 k) int64, of which k are taken."""
        return nearest_features(xyz, SPARE * self.k)

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """(B, N, channels), neighbours (B, N, k or more) of the first layer, kept (B, N) -> (B, 2 d).

        Later layers find their neighbours among features; points that are not kept are nobody's.
        """
        x = points
        if kept is not None:
            x = group(points, kept_slots(kept))
        if neighbours is not None:
            _, neighbours = kept_neighbours(neighbours, kept, min(self.k, neighbours.shape[2]))
        layers = []
        for number in range(1, 5):
            index = neighbours if number == 1 and neighbours is not None else nearest_features(x, self.k, kept)
            layers.append(self._edges(self.get_submodule(f"conv{number}"), x, index))
            if self.stages[f"edges{number}"].acting:
                layers, kept = self._tapped(layers, kept)
            x = layers[-1]
        features = self._last(layers)
        return torch.cat([features.amax(dim=2), _mean(features, kept)], dim=-1)

    def forward_packed(self, clouds: PackedBatch) -> Tensor:
        """Embed clouds of any size, 65,536 points at most: (ΣN, channels) -> (S, 2 d)."""
        self.check_packed(clouds)
        x, layers = clouds.rows[None], []
        for number in range(1, 5):
            index = nearest_of_cloud(x[0], clouds.sizes, self.k)[None]
            x = self._edges(self.get_submodule(f"conv{number}"), x, index)
            layers.append(x)
        features = self._last(layers)[0].T.contiguous()
        return torch.cat([segment_reduce(features, clouds.offsets, how) for how in ("max", "mean")], dim=-1)

    def _tapped(self, layers: list[Tensor], kept: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        """Features of all layers so far and which points are kept, as what acts at the last one's stage leaves them."""
        tap, features = self.taps[len(layers) - 1], torch.cat(layers, dim=-1)
        if kept is None:
            features = tap(features)
        else:
            kept, features = tap(kept[..., None], features)
            kept = kept[..., 0]
        return list(features.split(WIDTHS[: len(layers)], dim=-1)), kept

    def _last(self, layers: list[Tensor]) -> Tensor:
        """Features (B, N, C) of all layers -> (B, d, N)."""
        return F.leaky_relu(self.conv5(torch.cat(layers, dim=-1).transpose(1, 2)), SLOPE)

    def _edges(self, layer: nn.Module, x: Tensor, index: Tensor) -> Tensor:
        """One edge convolution: features (B, N, C), neighbours (B, N, k) -> (B, N, C').

        The convolution of [x_j - x_i, x_i] is linear, so each point is multiplied once instead of k times.
        """
        norm = layer.get_submodule("1")
        weight = cast(Tensor, layer.get_submodule("0").weight).flatten(1)
        difference, own = weight[:, : x.shape[-1]], weight[:, x.shape[-1] :]
        # Coordinates of neighbours differ little: in half precision the difference of their products would be noise.
        half = torch.is_autocast_enabled(x.device.type) and x.shape[-1] >= WIDTHS[0]
        x = x if half else x.to(weight.dtype)
        with torch.autocast(x.device.type, enabled=half):
            near, centre = F.linear(x, difference), F.linear(x, own - difference)[:, :, None]
        if takes_edges(norm, near, index):
            edges = edges_of(index, near.shape[1])
            return F.leaky_relu(highest_normed(norm, near, edges, centre[:, :, 0]), SLOPE)
        # Gradients need all edges at once; a graph for clouds of any size has no loop over parts of them.
        if self.training or torch.is_grad_enabled() or torch.compiler.is_exporting():
            return _highest_edges(norm, near, index, centre)
        size = max(1, _ROWS[x.device.type] // len(x))
        parts = zip(index.split(size, dim=1), centre.split(size, dim=1), strict=True)
        return torch.cat([_highest_edges(norm, near, at, around) for at, around in parts], dim=1)


def _highest_edges(norm: nn.Module, near: Tensor, index: Tensor, centre: Tensor) -> Tensor:
    """Products of neighbours (B, N, C'), their slots (B, M, k), of centres (B, M, 1, C') -> (B, M, C')."""
    edges = (group(near, index) + centre).permute(0, 3, 1, 2)
    # The channels lie side by side in memory, so the maximum over neighbours is taken of whole rows.
    return F.leaky_relu(norm(edges), SLOPE).permute(0, 2, 3, 1).amax(dim=2)


@torch.no_grad()
def nearest_features(x: Tensor, k: int, kept: Tensor | None = None) -> Tensor:
    """The k nearest of each row among its cloud's features (B, N, C) -> (B, N, min(k, N)) int64.

    Where fewer than k are kept, the nearest stands in for those that are missing.
    """
    k = min(k, x.shape[1])
    if torch.compiler.is_exporting():  # to a graph for batches of any size, which has no loop over parts of them
        return _nearest(x.float(), x.float(), k, kept)
    parts = max(1, _BLOCK // x.shape[1] ** 2)
    rows = max(1, _BLOCK // (parts * x.shape[1]))  # all, but for one cloud whose distances do not fit in a block
    masks = [None] * len(x) if kept is None else kept.split(parts)
    found = []
    for part, mask in zip(x.float().split(parts), masks, strict=False):
        found.append(torch.cat([_nearest(some, part, k, mask) for some in part.split(rows, dim=1)], dim=1))
    return torch.cat(found)


@torch.no_grad()
def nearest_of_cloud(x: Tensor, sizes: list[int], k: int) -> Tensor:
    """The k nearest of each row among the features (ΣN, C) of its own cloud -> (ΣN, k) int64 rows.

    In a cloud of fewer than k points the nearest, a point itself, stands in for those that are missing.
    """
    found, start = [], 0
    for cloud in x.float().split(sizes):
        size = max(1, _BLOCK // len(cloud))
        for queries in cloud.split(size):
            near = _nearest(queries[None], cloud[None], min(k, len(cloud)), None)[0] + start
            found.append(torch.cat([near, near[:, :1].expand(-1, k - near.shape[1])], dim=1))
        start += len(cloud)
    return torch.cat(found)


def _nearest(queries: Tensor, x: Tensor, k: int, kept: Tensor | None) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        own, square = queries.square().sum(dim=-1), x.square().sum(dim=-1)
        distances = own[:, :, None] - 2.0 * queries @ x.transpose(1, 2) + square[:, None]
    if kept is not None:
        distances = distances.masked_fill(~(kept | ~kept.any(dim=1, keepdim=True))[:, None], torch.inf)
    if neighbourhoods.takes(distances):
        places = neighbourhoods.smallest(distances, k, as_topk=False)
        if kept is None:
            return places
        return torch.where(distances.gather(2, places).isinf(), places[..., :1], places)
    found = distances.topk(k, dim=-1, largest=False)
    return torch.where(found.values.isinf(), found.indices[..., :1], found.indices)


def _mean(features: Tensor, kept: Tensor | None) -> Tensor:
    """Over the kept of (B, C, N)."""
    exact = torch.promote_types(features.dtype, torch.float32)
    if kept is None:
        return features.mean(dim=2, dtype=exact)
    weight = (kept | ~kept.any(dim=1, keepdim=True))[:, None].to(features.dtype)
    return (features * weight).sum(dim=2, dtype=exact) / weight.sum(dim=2, dtype=exact)
