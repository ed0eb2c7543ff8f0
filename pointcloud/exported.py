"""Encoders of point clouds as functions that are exported: points (B, N, C) in, their vector out."""

import torch
from torch import Tensor, nn

import randquant
from randquant.export.exportable import Exportable, Size
from randquant.files.json_record import Json
from randquant.pointcloud.axes import Axis, turn_up
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.pointnext import STAGES, PointNeXt
from randquant.pointcloud.encoders.weights import UP, LoadedPointEncoder
from randquant.pointcloud.evaluation.shape_features import Preparation
from randquant.pointcloud.geometry import unit_sphere
from randquant.pointcloud.layout import Layout


class ExportedPoints(nn.Module):
    """Clouds (B, N, C) with the up axis z, at any scale -> vectors (B, D).

    Scaling to the unit sphere, turning to the encoder's up axis, neighbours and farthest points are all inside.

    Args:
        loaded: the network, and which axis is up for it.
    """

    def __init__(self, loaded: LoadedPointEncoder) -> None:
        super().__init__()
        self.encoder, self.up = loaded.encoder, loaded.up
        self.has_normals = Layout.of(loaded.encoder.channels).normals is not None

    def forward(self, points: Tensor) -> Tensor:
        """Embed clouds of one size."""
        parts = [_turned(unit_sphere(points[..., :3]), self.up)]
        if self.has_normals:
            parts.append(_turned(points[..., 3:6], self.up))
        return self.encoder(torch.cat(parts, dim=-1)).float()


def exportable(loaded: LoadedPointEncoder) -> Exportable:
    """A loaded encoder as a function that can be exported."""
    encoder = loaded.encoder.eval()
    prepare = Preparation(loaded, loaded.layout, "cpu")
    fewest, columns = fewest_points(encoder), len(encoder.channels)
    size = Size("points", fewest, (fewest, fewest + 1, 2 * fewest + 3, 512, 1024))
    return Exportable(
        ExportedPoints(loaded).eval(),
        prepare,
        "points",
        lambda batch, points: boxes(batch, points, columns),
        size,
        _about(loaded, fewest),
        first_exact=True,
    )


def fewest_points(encoder: PointEncoder) -> int:
    """That a cloud needs, so that its neighbourhoods are as large as in the network's training."""
    if isinstance(encoder, DGCNN):
        return encoder.k
    if isinstance(encoder, PointNetLite):
        return max(encoder.centres[0], encoder.neighbours)
    if isinstance(encoder, PointNeXt):
        return encoder.k << (STAGES - 1)
    return 2


def boxes(batch: int, points: int, columns: int) -> Tensor:
    """Clouds (batch, points, columns) to try a function with: uniform in boxes of different sides and places."""
    generator = torch.Generator().manual_seed(batch * points)
    sides = 0.5 + torch.rand(batch, 1, 3, generator=generator)
    xyz = (torch.rand(batch, points, 3, generator=generator) + torch.rand(batch, 1, 3, generator=generator)) * sides
    normals = nn.functional.normalize(torch.randn(batch, points, columns - 3, generator=generator), dim=-1)
    return torch.cat([xyz, normals], dim=-1)


def _turned(triple: Tensor, up: Axis) -> Tensor:
    return turn_up(triple, UP, up)


def _about(loaded: LoadedPointEncoder, fewest: int) -> dict[str, Json]:
    encoder = loaded.encoder
    columns, dimension = ", ".join(encoder.channels), encoder.embedding_size()
    return {
        "modality": "points",
        "input": f"points (batch, points, {len(encoder.channels)}) float32: {columns}; up is {UP}, any scale, at least "
        f"{fewest} points",
        "output": f"vector (batch, {dimension}) float32",
        "encoder": type(encoder).__name__,
        "layer": "output",
        "dimension": dimension,
        "channels": list(encoder.channels),
        "up": UP,
        "points": loaded.points,
        "order": "farthest points first, as in a store" if isinstance(encoder, PointNetLite) else "any",
        "fewest_points": fewest,
        "sha256": loaded.sha256,
        "randquant": randquant.__version__,
    }
