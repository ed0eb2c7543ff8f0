"""Encoders of point clouds that take clouds, meshes and files of points as users have them."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.data.bounded_batches import bounded
from randquant.errors import DataError, UsageError
from randquant.extras import needs
from randquant.loading.modalities import IS_CLOUD, READ_SHAPE, SPREAD_CLOUD, resolved
from randquant.loading.ready_encoder import ReadyEncoder, as_array
from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.named_encoder import named_encoder, split_ending
from randquant.pointcloud.encoders.occupancy import PREFIX
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import UP, LoadedPointEncoder, is_of_points
from randquant.pointcloud.points.axes import AXES, Axis
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.preparation import CloudInputs, batch_points
from randquant.weights.weight_file import Content

USUAL_POINTS = 1024  # where an encoder does not say how many it was trained on


class PointReadyEncoder(ReadyEncoder[Tensor]):
    """Clouds, meshes and files of points -> vectors; `randquant.load` makes it.

        encoder = randquant.load("RUN")
        encoder(points)                  # (N, 3) -> (D,)
        encoder(batch)                   # (B, N, 3) -> (B, D)
        encoder([first, second])         # of any sizes -> (2, D)
        encoder("chair.glb")             # points are drawn from its surface
        encoder("scan.ply", up="y")      # the axis that points up in the file

    An input becomes what a store would hold of it: moved to its mean and scaled to the unit sphere, turned upright,
    its points in farthest-point order, of which the encoder takes the first. So a vector is the row that
    `python -m scripts.embed` writes, whatever the scale and the order of the points.

    Args:
        loaded: the network and what is known about it.
        points: taken of each shape, all of a cloud with fewer; "any" for all of every cloud; as many as in the
            training where None, else 1,024.

    Attributes:
        points: as above.
        up: the axis that points up for the network.
    """

    modality: ClassVar[str] = "points"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS
    encoder: PointEncoder

    def __init__(self, loaded: LoadedPointEncoder, points: Points | None = None) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)
        self.points: Points = points or loaded.points or USUAL_POINTS
        self.up, self.layout = loaded.up, loaded.layout

    @classmethod
    def open(cls, name: str, *, seed: int = 42, points: Points | None = None, channels: int = 3) -> Self:
        """Open an encoder; see the class for `points`. `channels` of an untrained one are 3, or 6 with normals.

        Raises:
            DataError: it cannot be opened, or is of another modality.
            UsageError: it names no encoder, or it cannot take so many points.
        """
        loaded = named_encoder(name, seed=seed, channels=channels)
        if points is not None and points != "any":
            whole = isinstance(points, int) and not isinstance(points, bool) and points >= 1
            reason = loaded.encoder.too_large(points) if whole else 'it should be a whole number above 0, or "any".'
            if reason is not None:
                raise UsageError(f"points={points!r}: {reason}")
        return cls(loaded, points)

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of point clouds."""
        return is_of_points(content)

    @classmethod
    def file_of(cls, name: str) -> str:
        """The name without `:k=15` and `:part=128`."""
        return split_ending(name)[0]

    @classmethod
    def has_untrained(cls, name: str) -> bool:
        """Whether it is an untrained encoder of point clouds, or a grid of cells."""
        return name.startswith(PREFIX) or super().has_untrained(cls.file_of(name))

    def forward(self, x: Any, *, layer: str = "output", up: Axis | None = None, clouds: bool | None = None) -> Tensor:
        """Vectors of shapes.

        Args:
            x: (N, 3) coordinates as a tensor or an array, a batch (B, N, 3), the path of a mesh (OFF, PLY, OBJ, STL,
                glTF) or of a file of points (NPY, PLY, PCD, LAS, XYZ, ...), or a list of these, of any sizes. Columns
                behind the coordinates are unit normals where the encoder reads some; any further ones are left out.
            layer: one of `layers`.
            up: the axis that points up: z by default, in glTF files y.
            clouds: take files as points even where they hold faces; by default PLY and OBJ with faces are meshes.

        Returns:
            (D,) for one shape, (B, D) for a list or a batch.

        Raises:
            DataError: a file cannot be read; a cloud is empty, has too few columns or too many points for the encoder,
                holds NaN or infinity, or all its points lie in one place.
            UsageError: another shape or axis, or no such layer.
        """
        self._require_layer(layer)
        if up is not None and up not in AXES:
            raise UsageError(f"up={up!r} should be one of {', '.join(AXES)}.")
        named, single = _named(x)
        shapes = [self._shape(*each, up, clouds) for each in named]
        short = sum(len(shape) < self.points for shape in shapes) if self.points != "any" else 0
        if short:
            warnings.warn(
                f"{short:,} of {len(shapes):,} shapes have fewer points than the {self.points:,} that are taken of "
                "each, and are embedded as they are.",
                stacklevel=4,
            )
        return self._vectors(shapes, layer, single=single)

    def _shape(self, name: str, x: Path | NDArray[Any], up: Axis | None, clouds: bool | None) -> Tensor:
        """The points of a shape that the encoder takes, (n, C), as in a store."""
        normals = self.layout.normals is not None
        with needs("pointcloud"):
            if isinstance(x, Path):
                points = USUAL_POINTS if self.points == "any" and not _taken_as_points(x, clouds) else self.points
                rows, layout, notes = resolved(READ_SHAPE)(x, points=points, normals=normals, up=up, clouds=clouds)
                for note in notes:
                    warnings.warn(f"{x}: {note}.", stacklevel=5)
            else:
                self._require_columns(name, x)
                rows, layout = resolved(SPREAD_CLOUD)(name, x, points=self.points, normals=normals, up=up or UP)
        rows = rows if self.points == "any" else rows[: self.points]
        reason = self.encoder.too_large(len(rows))
        if reason is not None:
            raise DataError(f"{name}: {reason}")
        return torch.from_numpy(rows[:, [layout.index(channel) for channel in self.layout.channels]])

    def _require_columns(self, name: str, cloud: NDArray[Any]) -> None:
        if cloud.shape[1] < len(self.layout):
            raise DataError(
                f"{name} has {cloud.shape[1]} columns, and {type(self.encoder).__name__} reads {len(self.layout)}: "
                f"{', '.join(self.layout.channels)}."
            )

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        inputs = CloudInputs(self.layout, self.layout, self.up, self.device)

        def encode(clouds: Tensor | PackedBatch) -> Tensor:
            if isinstance(clouds, Tensor):
                return self.network(clouds.to(self.dtype))
            return self.network(clouds.with_rows(clouds.rows.to(self.dtype)))

        packed, most = self.points == "any", batch_points(self.device)
        batches = bounded(items, lambda cloud: len(cloud) if packed else max(len(cloud), int(self.points)), most)
        return torch.cat([inputs.embedded(encode, batch, points=self.points).float() for batch in batches])


def _taken_as_points(path: Path, clouds: bool | None) -> bool:
    return resolved(IS_CLOUD)(path) if clouds is None else clouds


def _named(x: Any) -> tuple[list[tuple[str, Path | NDArray[Any]]], bool]:
    """The shapes in an input with their names for messages, and whether it is one alone."""
    if isinstance(x, str | Path):
        return [(str(x), Path(x))], True
    if isinstance(x, list | tuple):
        found: list[tuple[str, Path | NDArray[Any]]] = []
        for place, each in enumerate(x):
            if isinstance(each, list | tuple):
                raise UsageError(
                    f"shape {place} of the list is itself a list; a list holds clouds (N, 3), as tensors or arrays, "
                    "and paths."
                )
            one, single = _named(each)
            if not single:
                raise UsageError(f"shape {place} of the list has three axes; a list holds clouds (N, 3) and paths.")
            found.append((one[0][0] if isinstance(each, str | Path) else f"cloud {place}", one[0][1]))
        return found, False
    array = as_array("the cloud", x)
    if array.ndim not in (2, 3) or array.shape[-1] < 3 or not np.issubdtype(array.dtype, np.number):
        raise UsageError(
            f"the cloud has the shape {tuple(array.shape)} and holds {array.dtype.name}; expected numbers (N, 3) or "
            "(B, N, 3), or a list of clouds."
        )
    if array.shape[-2] <= 6 and array.shape[-1] > 16:
        raise UsageError(
            f"the cloud has the shape {tuple(array.shape)}, which looks like channels before points; transpose it to "
            "(N, 3) or (B, N, 3)."
        )
    if array.ndim == 2:
        return [("the cloud", array)], True
    return [(f"cloud {place}", each) for place, each in enumerate(array)], False
