"""PointNet: every point by itself, then the maximum."""

import itertools
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropped_points import kept_slots
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.points.geometry import group
from randquant.pointcloud.points.segment import segment_reduce
from randquant.stages import Tap

_ROWS = 2**15  # points at a time where nothing is trained


class PointNet(PointEncoder):
    """A network 64-64-64-128-d that all points share, and the maximum over the points.

    Without the transformer networks of the paper, as the contrastive literature uses it. Tensors are named as in the
    public PyTorch versions (`conv1` ... `conv5`, `bn1` ... `bn5`).

    Args:
        d: channels of the last layer, the embedding's size; 1024 as published.
        channels: columns of the points it reads, coordinates first.
        part: points of a part, as for `set_part`.

    Source: Qi et al., CVPR 2017.
    """

    trains_packed = True

    def __init__(self, d: int = 1024, channels: int = 3, part: int = 0) -> None:
        if d < 1:
            raise ValueError(f"d should be at least 1, got {d}.")
        super().__init__(channels=channels, embedding_size=d, arguments={"d": d, "channels": channels}, part=part)
        widths = [channels, 64, 64, 64, 128, d]
        for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), 1):
            self.add_module(f"conv{number}", nn.Conv1d(inputs, outputs, 1, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm1d(outputs))

        self.taps = nn.ModuleList(Tap(axis=-1) for _ in range(5))

    @property
    def stages(self) -> dict[str, nn.Module]:
        """layer1 to layer5: features (B, C, N) of the points of clouds of one size."""
        return {f"layer{number}": tap for number, tap in enumerate(self.taps, 1)}

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """(B, N, channels), kept (B, N) -> (B, d)."""
        if kept is not None:
            points = group(points, kept_slots(kept))
        return self._pointwise(points.transpose(1, 2)).amax(dim=2)

    def forward_packed(self, clouds: PackedBatch) -> Tensor:
        """Embed clouds of any size: (ΣN, channels) -> (S, d); without training, in bounded memory."""
        self.check_packed(clouds)
        if self.training or torch.is_grad_enabled():
            return self._highest(clouds)
        parts = [self._highest(part) for part in clouds.windows(_ROWS)]
        return torch.stack(parts).amax(dim=0)  # a cloud that a part holds nothing of has 0 there, the least of a ReLU

    def _highest(self, clouds: PackedBatch) -> Tensor:
        """Maxima (S, d) over the points of each cloud; as matrix products of rows, which need no transposed copies."""
        x = clouds.rows
        for number in range(1, 6):
            weight, norm = (
                cast(Tensor, self.get_submodule(f"conv{number}").weight).flatten(1),
                self.get_submodule(f"bn{number}"),
            )
            # Not in the first layer, where it would round the coordinates.
            rounded = number > 1 and torch.is_autocast_enabled(x.device.type)
            with torch.autocast(x.device.type, enabled=rounded):
                x = F.relu(norm(F.linear(x if rounded else x.to(weight.dtype), weight)))
        return segment_reduce(x, clouds.offsets, "max")

    def _pointwise(self, x: Tensor) -> Tensor:
        """(B, channels, N) -> (B, d, N)."""
        with torch.autocast(x.device.type, enabled=False):  # which would round the coordinates
            x = F.relu(self._layer(1, x.to(cast(Tensor, self.get_submodule("conv1").weight).dtype)))
        x = self.taps[0](x)
        for number in range(2, 6):
            x = self.taps[number - 1](F.relu(self._layer(number, x)))
        return x

    def _layer(self, number: int, x: Tensor) -> Tensor:
        return self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(x))
