"""Encoders of point clouds as functions that are exported: points (B, N, C) in, their vector out."""

import warnings

import torch
from torch import Tensor, nn

import randquant
from randquant.errors import UsageError
from randquant.export.exportable import Exportable, Size
from randquant.files.json_record import Json
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.pointnext import STAGES, PointNeXt
from randquant.pointcloud.encoders.weights import UP, LoadedPointEncoder
from randquant.pointcloud.points.axes import turn_up
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.geometry import group, unit_sphere
from randquant.pointcloud.ready_encoder import PointReadyEncoder

STORED = 2048  # points that `randquant.load` keeps of a larger cloud before it takes some of them


class ExportedPoints(nn.Module):
    """Clouds (B, N, C) with the up axis z, at any scale and in any order -> vectors (B, D), those of `randquant.load`.

    The points are scaled to the unit sphere, the farthest ones taken, as many as are taken of a loaded cloud, turned to
    the encoder's up axis, and embedded. Whatever runs the file finds an error where a cloud has fewer than `fewest`
    points, or all of them in one place, or a coordinate that is not finite.

    Args:
        loaded: the network, and which axis is up for it.
        points: taken of a cloud, by `randquant.load` too.
        fewest: that a cloud has.
    """

    last: Tensor

    def __init__(self, loaded: LoadedPointEncoder, points: Points, fewest: int) -> None:
        super().__init__()
        self.encoder, self.up, self.triples = loaded.encoder, loaded.up, len(loaded.encoder.channels) // 3
        self.points, self.ordered = points, ordered_points(loaded.encoder)
        self.register_buffer("last", torch.tensor([fewest - 1]), persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """Embed clouds of one size."""
        # In double precision, as clouds are loaded, so that distances round alike and the same points are the farthest.
        xyz, others = points[..., :3].double(), points[..., 3:].double()
        spread = (xyz - xyz[:, :1]).abs().sum(dim=(1, 2))
        refused = ((spread > 0) & (spread < torch.inf)).logical_not().any().long()  # NaN is neither
        # That point makes no difference, since the mean is subtracted too; but a cloud that has none stops here.
        rows = _scaled(torch.cat([xyz - xyz.index_select(1, self.last + refused * xyz.shape[1]), others], dim=-1))
        if self.points != "any":
            rows = _scaled(_farthest(rows, 1, max(STORED, self.points)))
        rows = _scaled(_farthest(rows, self.ordered, self.points).float())
        if self.encoder.part and self.points != "any":  # as many parts for every cloud, as the graph has
            rows = rows.index_select(1, torch.arange(self.points))
        turned = [turn_up(triple, UP, self.up) for triple in rows.unflatten(-1, (self.triples, 3)).unbind(-2)]
        return self.encoder(torch.cat(turned, dim=-1)).float()


def exportable(loaded: LoadedPointEncoder) -> Exportable:
    """A loaded encoder as a function that can be exported.

    Raises:
        UsageError: fewer points are taken of a cloud than a file can work on, or all of it in parts.
    """
    encoder = loaded.encoder.eval()
    ready = PointReadyEncoder(loaded)
    columns, points = len(encoder.channels), ready.points
    if encoder.part and points == "any":
        raise UsageError(
            f"the encoder embeds clouds in parts of {encoder.part} points, and a file has a fixed number of parts; "
            "give --points a number."
        )
    fewest = max(fewest_points(encoder), points if encoder.part and points != "any" else 0)
    if points != "any" and points < fewest:
        name = type(encoder).__name__
        raise UsageError(
            f"the encoder takes {points} points of each cloud, and a file of {name} works on {fewest} or more; "
            f"pretrain it with --points {fewest}, or use randquant.load."
        )

    def native(clouds: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that clouds have fewer points than are taken
            return ready(clouds)

    larger = (2 * fewest + 77, 1024) if points == "any" else (points, max(points, STORED) + 77)
    size = Size("points", fewest, (fewest, fewest + 1, *larger, 2 * fewest + 3))
    return Exportable(
        ExportedPoints(loaded, points, fewest).eval(),
        native,
        "points",
        lambda batch, points: boxes(batch, points, columns),
        size,
        _about(loaded, points, fewest),
        first_exact=True,
    )


def ordered_points(encoder: PointEncoder) -> int | None:
    """How many points have to be in farthest-point order for an encoder, from the first one on; None for all."""
    if isinstance(encoder, PointNetLite) and not encoder.part:
        return encoder.centres[0]
    return None if encoder.part or isinstance(encoder, PointNeXt) else 1


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


def _scaled(rows: Tensor) -> Tensor:
    """Rows (B, N, C) with their coordinates in the unit sphere."""
    return torch.cat([unit_sphere(rows[..., :3]), rows[..., 3:]], dim=-1)


def _farthest(rows: Tensor, ordered: int | None, most: Points) -> Tensor:
    """The `most` farthest points of clouds (B, N, C) in the order they are chosen in; of smaller clouds all.

    Args:
        rows: the clouds.
        ordered: how many of these have to be in that order, where there are no others; all where None.
        most: points to take.
    """
    total = rows.shape[1]
    taken = total if most == "any" else torch.sym_min(total, most)
    count = taken if ordered is None else ordered
    if ordered is not None and most != "any":
        # Without a branch, since a graph is for clouds of any size: all are chosen where there are others.
        count = ordered + (most - ordered) * torch.sym_min(1, torch.sym_max(0, total - most))
    chosen = farthest_point_sampling(rows[..., :3].float(), count)
    rank = (torch.arange(total) + count).expand(rows.shape[0], -1)
    rank = rank.scatter(1, chosen, torch.arange(count).expand_as(chosen))
    return group(rows, rank.argsort(dim=1).index_select(1, torch.arange(taken)))


def _about(loaded: LoadedPointEncoder, points: Points, fewest: int) -> dict[str, Json]:
    encoder = loaded.encoder
    columns, dimension = ", ".join(encoder.channels), encoder.embedding_size()
    taken = "" if points == "any" else f", of which the {points} farthest are taken"
    return {
        "modality": "points",
        "input": f"points (batch, points, {len(encoder.channels)}) float32: {columns}; up is {UP}, any scale and "
        f"order, at least {fewest} points, finite and not all in one place{taken}",
        "output": f"vector (batch, {dimension}) float32",
        "encoder": type(encoder).__name__,
        "layer": "output",
        "dimension": dimension,
        "channels": list(encoder.channels),
        "up": UP,
        "points": points,
        "fewest_points": fewest,
        "sha256": loaded.sha256,
        "randquant": randquant.__version__,
    }
