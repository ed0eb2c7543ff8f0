"""The base class of point cloud encoders."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from randquant.packed import PackedBatch
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS
from randquant.pointcloud.points.parts import in_parts, mean_of_parts, number_of_parts

CHANNELS = {len(layout): layout.channels for layout in (XYZ, XYZ_NORMALS)}


class PointEncoder(nn.Module):
    """Clouds (B, N, C) -> embeddings (B, D).

    Args:
        channels: C: 3 for coordinates, 6 for coordinates and normals.
        embedding_size: D.
        arguments: all other arguments of the subclass's constructor, JSON values; with `part` they make the same
            network again.
        part: points of a part, as for `set_part`.

    Attributes:
        channels: names of the columns it reads, as in a store.
        arguments: as given.
        takes_neighbours: whether `forward` uses neighbourhoods found beforehand, those of `neighbourhoods`.
        trains_packed: whether it can be trained on packed batches; all encoders embed them.
        part: points of a part; 0 where clouds are embedded whole.
        most_points: of a cloud, where the work grows with their square; None where it does not.
    """

    takes_neighbours: ClassVar[bool] = False
    trains_packed: ClassVar[bool] = False
    most_points: ClassVar[int | None] = None

    part: int

    def __init__(self, *, channels: int, embedding_size: int, arguments: Mapping[str, object], part: int = 0) -> None:
        super().__init__()
        if channels not in CHANNELS:
            raise ValueError(f"channels should be 3 (coordinates) or 6 (and normals), got {channels}.")
        self.channels = CHANNELS[channels]
        self.arguments = dict(arguments)
        self._embedding_size = embedding_size
        self.set_part(part)

    def set_part(self, part: int) -> None:
        """Embed clouds in parts of about `part` points, each spread over the cloud: the embedding is their mean.

        A sparse cloud is then one of the parts that a dense one is embedded in, so that density adds no shift. Every
        part is brought to the unit sphere, as a cloud of so few points is. In training a cloud is one part. 0 embeds
        clouds whole.

        Raises:
            ValueError: a number below 0.
        """
        if isinstance(part, bool) or not isinstance(part, int) or part < 0:
            raise ValueError(f"part should be a whole number of points, or 0 for whole clouds, got {part!r}.")
        self.part = part
        self.arguments.pop("part", None)
        if part:
            self.arguments["part"] = part

    def embedding_size(self) -> int:
        """D."""
        return self._embedding_size

    def forward(
        self, points: Tensor | PackedBatch, neighbours: Tensor | None = None, kept: Tensor | None = None
    ) -> Tensor:
        """Embed clouds.

        Args:
            points: (B, N, C), or S clouds of any size (ΣN, C) as `forward_packed` takes them.
            neighbours: (B, M, k) int64, neighbourhoods found beforehand, as `neighbourhoods` gives them; the encoders
                that take none do not look at them.
            kept: (B, N) bool, the points that count; all where None.
        """
        if isinstance(points, PackedBatch):
            return self._packed_in_parts(points) if self._parted(max(points.sizes)) else self.forward_packed(points)
        self.check(points)
        if self._parted(points.shape[1]):
            return self._in_parts(points, kept)
        return self.forward_clouds(points, neighbours, kept)

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """`forward` for clouds of one size, once they are checked."""
        raise NotImplementedError

    def _parted(self, size: int) -> bool:
        """Whether a cloud of so many points is embedded in more than one part."""
        return bool(self.part) and not self.training and number_of_parts(size, self.part) > 1

    def _in_parts(self, points: Tensor, kept: Tensor | None) -> Tensor:
        """(B, N, C) -> (B, D), the means over the parts."""
        parts = number_of_parts(points.shape[1], self.part)
        if kept is not None or points.shape[1] % parts:
            genuine = points if kept is None else [cloud[here] for cloud, here in zip(points, kept, strict=True)]
            return self._packed_in_parts(PackedBatch.of(list(genuine)))
        taken = in_parts(points, parts)
        return self.forward_clouds(taken.flatten(0, 1), None, None).unflatten(0, taken.shape[:2]).mean(dim=1)

    def _packed_in_parts(self, clouds: PackedBatch) -> Tensor:
        """(ΣN, C) -> (S, D), the means over the parts of each cloud."""
        self.check_packed(clouds)
        return mean_of_parts(self.forward_packed, clouds, self.part)

    def forward_packed(self, clouds: PackedBatch) -> Tensor:
        """Embed clouds of any size (ΣN, C) -> (S, D); no cloud depends on the others, but for batch norm in training.

        Here one after the other; most encoders do better.

        Raises:
            ValueError: an empty cloud, one of more than `most_points`, or training of an encoder that cannot.
        """
        self.check_packed(clouds)
        return torch.cat([self(cloud[None]) for cloud in clouds.split()])

    def neighbourhoods(self, xyz: Tensor) -> Tensor:
        """What `forward` takes as neighbours, found on coordinates (B, N, 3): (B, M, k) int64."""
        raise NotImplementedError

    def check(self, points: Tensor) -> None:
        """Check the shape and dtype of a batch of clouds.

        Raises:
            ValueError: another shape.
            TypeError: no floating-point numbers.
        """
        if points.ndim != 3 or points.shape[2] != len(self.channels) or points.shape[1] == 0:
            raise ValueError(f"expected clouds of shape (B, N, {len(self.channels)}), got {tuple(points.shape)}.")
        if not torch.is_floating_point(points):
            raise TypeError(f"expected clouds of floating-point numbers, got {points.dtype}.")

    def check_packed(self, clouds: PackedBatch) -> None:
        """Refuse what is not a packed batch of clouds of these channels, or holds a cloud that cannot be embedded.

        Raises:
            ValueError: as `forward_packed`, or another shape.
            TypeError: no floating-point numbers.
        """
        self.check(clouds.rows[None])
        if self.training and not self.trains_packed:
            raise ValueError(f"{type(self).__name__} trains on clouds of one size; give --points a number.")
        if min(clouds.sizes) == 0:
            raise ValueError(f"expected clouds of at least one point, cloud {clouds.sizes.index(0)} is empty.")
        reason = self.too_large(max(clouds.sizes))
        if reason is not None:
            raise ValueError(reason)

    @classmethod
    def too_large(cls, points: int) -> str | None:
        """The error for a cloud of so many points; None if it can be embedded."""
        if cls.most_points is None or points <= cls.most_points:
            return None
        return (
            f"{cls.__name__} takes clouds of at most {cls.most_points:,} points, as its work grows with their square, "
            f"got {points:,}; give --points a number, or choose PointNet or PointNetLite."
        )
