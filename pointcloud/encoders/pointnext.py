"""PointNeXt-S: PointNet++ with residual set abstractions, the efficient choice on a GPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.pointcloud.augment.dropped_points import kept_slots
from randquant.pointcloud.encoders.local_network import LocalNetwork
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.shared_layer import SharedLayer
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.geometry import ball_query, group

STAGES = 4  # each keeps half of the points and doubles the channels
RADIUS, GROWTH = 0.15, 1.5  # of the first stage's balls in units of the unit sphere, and from stage to stage


class PointNeXt(PointEncoder):
    """A stem, four set abstractions and one over what is left; the maximum is the embedding.

    A set abstraction takes half of the points by farthest-point sampling, and from each a ball of 32: two layers over
    relative places, divided by the radius, and features; the maximum; and the centre's own features beside it.

    Args:
        d: channels of the last layer, the embedding's size, a multiple of 16; 512 is PointNeXt-S.
        channels: columns of the points it reads, coordinates first.
        height: the height above the lowest point is one more input, as in the published recipe.
        k: points of a ball.
        part: points of a part, as for `set_part`.

    Source: Qian et al., NeurIPS 2022.
    """

    most_points = 2**14

    def __init__(self, d: int = 512, channels: int = 3, height: bool = True, k: int = 32, part: int = 0) -> None:
        if d < 16 or d % 16 or k < 1:
            raise ValueError(f"d should be a multiple of 16 and k at least 1, got {d} and {k}.")
        arguments = {"d": d, "channels": channels, "height": height, "k": k}
        super().__init__(channels=channels, embedding_size=d, arguments=arguments, part=part)
        self.height, self.k = height, k
        self.stem = nn.Linear(channels + height, d // 16)
        widths = [d >> (STAGES - stage) for stage in range(STAGES + 1)]
        self.stages = nn.ModuleList(
            _SetAbstraction(widths[stage], widths[stage + 1], RADIUS * GROWTH**stage, k) for stage in range(STAGES)
        )
        self.last = nn.Sequential(SharedLayer(3 + d, d), SharedLayer(d, d))

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """(B, N, channels) in the unit sphere, up z, kept (B, N) -> (B, d).

        Takes no neighbours: what is sampled differs from step to step.
        """
        if kept is not None:
            points = group(points, kept_slots(kept))
        xyz = points[..., :3]
        if self.height:
            above = xyz[..., 2:] - xyz[..., 2:].amin(dim=1, keepdim=True)
            points = torch.cat([points, above], dim=-1)
        with torch.autocast(points.device.type, enabled=False):  # which would round the coordinates
            features = self.stem(points.to(self.stem.weight.dtype))
        for stage in self.stages:
            xyz, features = stage(xyz, features)
        return self.last(torch.cat([xyz, features], dim=-1)).amax(dim=1)


class _SetAbstraction(nn.Module):
    def __init__(self, inputs: int, outputs: int, radius: float, k: int) -> None:
        super().__init__()
        self.radius, self.k = radius, k
        # As published, the layer in between is half as wide as the last.
        self.network = LocalNetwork(3 + inputs, outputs // 2, outputs, activated=False)
        self.skip = nn.Linear(inputs, outputs)

    def forward(self, xyz: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Places (B, N, 3) and features (B, N, C) -> (B, N / 2, 3) and (B, N / 2, C')."""
        with torch.no_grad():
            at = farthest_point_sampling(xyz, xyz.shape[1] // 2 or 1)
            centres = group(xyz, at)
            ball = ball_query(centres, xyz, self.radius, self.k)
        local = self.network(xyz, features, centres, ball, self.radius)
        return centres, F.relu(local + self.skip(group(features, at)))
