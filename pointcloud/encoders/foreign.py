"""Encoders of point clouds by other people, as the probes and embeddings take them."""

import torch
from torch import Tensor

from randquant.pointcloud.encoders.point_encoder import CHANNELS, PointEncoder
from randquant.pointcloud.encoders.weights import NORMALISE, LoadedPointEncoder
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.weights.foreign.foreign_encoder import ForeignEncoder, open_foreign

_EXAMPLE = 1024  # points of a cloud


class ForeignPointEncoder(PointEncoder):
    """What a user's function made: clouds (B, N, C) -> embeddings (B, D).

    Args:
        foreign: as it was opened; its `channels` is C, 3 by default.
    """

    def __init__(self, foreign: ForeignEncoder) -> None:
        channels = foreign.choice("channels", tuple(CHANNELS))
        super().__init__(channels=channels, embedding_size=foreign.module.dimension, arguments={"channels": channels})
        self.foreign = foreign.module

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """As `PointEncoder.forward`; clouds of which not all points count go one by one."""
        if kept is None:
            return self.foreign(points)
        return torch.cat([self.foreign(cloud[counts][None]) for cloud, counts in zip(points, kept, strict=True)])

    def example(self) -> Tensor:
        """Two clouds of noise, always the same."""
        clouds = torch.randn(2, _EXAMPLE, len(self.channels), generator=torch.Generator().manual_seed(0))
        clouds[..., :3] = unit_sphere(clouds[..., :3])
        clouds[..., 3:] = torch.nn.functional.normalize(clouds[..., 3:], dim=-1)
        return clouds


def foreign_encoder(name: str, seed: int) -> LoadedPointEncoder:
    """The encoder of clouds that a user's function returns; `up`, z by default, is the axis that points up for it.

    Raises:
        UsageError: there is no such function, it fails, or what it returns breaks the contract.
    """
    foreign = open_foreign(name, "points", seed)
    encoder, up = ForeignPointEncoder(foreign), foreign.choice("up", ("z", "y", "x"))
    known = foreign.identified(encoder.example(), {**encoder.arguments, "up": up})
    report = f"{known.report}; clouds in the unit sphere, {up} up"
    return LoadedPointEncoder(encoder.eval(), None, up, NORMALISE, known.metadata, report, known.sha256)
