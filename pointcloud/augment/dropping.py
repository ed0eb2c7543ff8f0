"""Augmentations that hide points of a cloud without changing its shape: dropout, crop, cutout.

A dropped slot is filled with a copy of a random point that stays, so every batch operation keeps its (B, N, C), a
maximum over the points is that of the points that stay, and no single point is repeated hundreds of times (the usual
form fills with point 0, which then crowds every neighbourhood). `DroppingParams.kept` says which slots are genuine.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_count, checked_range
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import PerCloudAugmentation, check_clouds, in_full_precision
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.segment import lowest, segment_reduce

MINIMUM = 32  # points that stay at least, where the cloud has them


class DroppingParams(NamedTuple):
    """One draw of what to drop.

    Attributes:
        kept: (B, N) bool, the slots whose point stays.
        source: (B, N) int64, the slot each slot's point is taken from: itself where kept, a random kept slot elsewhere.
    """

    kept: Tensor
    source: Tensor


class Dropping(PerCloudAugmentation):
    """Keeps the points with the lowest scores; a subclass says how points score and which score is too high.

    Args:
        p: probability that a cloud loses points at all.
        minimum: points that stay at least, or all where the cloud has fewer; of these the ones with the lowest scores.
    """

    def __init__(self, p: float = 1.0, minimum: int = MINIMUM) -> None:
        super().__init__(p)
        self.minimum = checked_count("minimum", minimum)

    def make_params(
        self, x: Tensor, *, kept: Tensor | None = None, generator: torch.Generator | None = None
    ) -> DroppingParams:
        """Draw what to drop from clouds (B, N, C).

        Args:
            x: the clouds; crop and cutout look at their coordinates.
            kept: (B, N) bool, the slots that are still genuine after earlier droppings, at least one a cloud; the
                others are dropped again, and shares and the minimum count genuine slots alone. None: all are.
            generator: source of the draw, on the device of x.
        """
        check_clouds(x)
        genuine = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if kept is None else kept
        offsets = torch.arange(len(x) + 1, device=x.device) * x.shape[1]
        scores, limit = self._draw(PackedBatch(x.flatten(0, 1), offsets), genuine.flatten(), generator)
        scores = torch.where(genuine, scores.view_as(genuine), torch.inf)
        fewest = scores.topk(min(self.minimum, x.shape[1]), dim=1, largest=False).values[:, -1]
        limit = torch.where(self._chosen(x, generator), limit.maximum(fewest), torch.inf)
        stays = (scores <= limit[:, None]) & genuine
        return DroppingParams(stays, _filled_slots(stays, generator))

    def transform(self, x: Tensor, params: DroppingParams) -> Tensor:
        """Fill every dropped slot with the point it was drawn; all columns move together."""
        return x.gather(1, params.source[..., None].expand(-1, -1, x.shape[-1]))

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Drop genuine points alone, and say which are left."""
        if not self.training:
            return batch
        params = self.make_params(batch.points, kept=batch.kept, generator=generator)
        return batch.with_points(self.transform(batch.points, params), params.kept)

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Clouds of any size without the points that are dropped."""
        if not self.training:
            return clouds
        genuine = torch.ones_like(clouds.cloud, dtype=torch.bool)
        scores, limit = self._draw(clouds, genuine, generator)
        fewest = lowest(scores, clouds, clouds.offsets.diff().clamp(max=self.minimum) - 1)
        chosen = self._chosen(clouds.first_rows(), generator)
        limit = torch.where(chosen, limit.maximum(fewest), torch.inf)
        return clouds.only(scores <= limit[clouds.cloud])

    def _draw(self, clouds: PackedBatch, genuine: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Scores (ΣN,) of the points, of which those that are genuine (ΣN,) count; and the highest (S,) that stays."""
        raise NotImplementedError


class RandomDropout(Dropping):
    """Drop every point with a probability that is drawn for each cloud.

    Args:
        ratio: range of that probability, in [0, 1].
        p, minimum: as for `Dropping`.

    Source: PointNet++ (NeurIPS 2017), where the ratio is drawn up to 0.875.
    """

    def __init__(self, ratio: tuple[float, float] = (0.0, 0.875), p: float = 1.0, minimum: int = MINIMUM) -> None:
        super().__init__(p, minimum)
        self.ratio = checked_range("ratio", ratio, 1.0)

    def _draw(self, clouds: PackedBatch, genuine: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        scores = torch.rand(len(clouds.rows), device=clouds.rows.device, generator=generator)
        return scores, 1.0 - _uniform(len(clouds), self.ratio, clouds.rows, generator)


class RandomCrop(Dropping):
    """Keep a random share of the cloud: what lies in an upright cuboid around a random point of it.

    The cuboid's sides are in random proportion and as long as the share needs, so a crop hides the share that was
    drawn, wherever it falls and whatever the shape: distances are max |x_i - c_i| / a_i over the axes, and the nearest
    points stay (equally near ones together).

    Args:
        kept: range of the share of points that stay, in [0, 1].
        aspect: range of each side's factor a_i, > 0.
        p, minimum: as for `Dropping`.

    Source: after the cuboid crops of DepthContrast (ICCV 2021) and STRL (ICCV 2021), aspect 0.75 to 1.33, which draw
    the sides instead and leave the share to chance.
    """

    def __init__(
        self,
        kept: tuple[float, float] = (0.5, 1.0),
        aspect: tuple[float, float] = (0.75, 1.33),
        p: float = 1.0,
        minimum: int = MINIMUM,
    ) -> None:
        super().__init__(p, minimum)
        self.kept, self.aspect = checked_range("kept", kept, 1.0), checked_range("aspect", aspect)
        if self.aspect[0] == 0.0:
            raise ValueError(f"aspect should be two numbers > 0, got {aspect!r}.")

    def _draw(self, clouds: PackedBatch, genuine: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        sides = _uniform((len(clouds), 3), self.aspect, clouds.rows, generator)
        scores = _box_distance(clouds, sides, generator)
        share = _uniform(len(clouds), self.kept, clouds.rows, generator)
        counts = torch.zeros_like(clouds.offsets[1:]).index_add(0, clouds.cloud, genuine.long())
        rank = (share * counts).ceil().long().clamp(min=1) - 1
        return scores, lowest(torch.where(genuine, scores, torch.inf), clouds, rank)


class RandomCutout(Dropping):
    """Drop what lies inside an upright cuboid around a random point of the cloud.

    Args:
        size: range of the cuboid's side along each axis, as a fraction of the cloud's extent along it.
        p, minimum: as for `Dropping`; the points furthest from the point stay.

    Source: STRL (ICCV 2021), 0.3 to 0.6 of the extent with p 0.5.
    """

    def __init__(self, size: tuple[float, float] = (0.3, 0.6), p: float = 1.0, minimum: int = MINIMUM) -> None:
        super().__init__(p, minimum)
        self.size = checked_range("size", size)

    def _draw(self, clouds: PackedBatch, genuine: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        xyz = in_full_precision(clouds.rows[:, :3]).contiguous()
        # Not by torch-scatter, which neither compiles in one graph nor passes a NaN on.
        upper, lower = (segment_reduce(each, clouds.offsets, "max", backend="native") for each in (xyz, -xyz))
        extent = upper + lower  # `lower` is negated
        halves = 0.5 * _uniform((len(clouds), 3), self.size, clouds.rows, generator) * extent
        # A cloud that is flat along an axis lies within any cuboid there: 0 / tiny is 0.
        distance = _box_distance(clouds, halves.clamp(min=torch.finfo(halves.dtype).tiny), generator)
        return -distance, -torch.ones_like(halves[:, 0])


def _uniform(
    shape: int | tuple[int, ...], bounds: tuple[float, float], x: Tensor, generator: torch.Generator | None
) -> Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(shape, device=x.device, generator=generator)


def _box_distance(clouds: PackedBatch, sides: Tensor, generator: torch.Generator | None) -> Tensor:
    """(ΣN,): how far every point is from a random one of its cloud, in the maximum norm, in units of sides (S, 3)."""
    sizes = clouds.offsets.diff()
    draw = torch.rand(len(clouds), device=clouds.rows.device, generator=generator)
    xyz = in_full_precision(clouds.rows[:, :3])
    centre = xyz[clouds.offsets[:-1] + (draw * sizes).long().minimum(sizes - 1)]
    return ((xyz - centre[clouds.cloud]).abs() / sides[clouds.cloud]).amax(dim=-1)


def _filled_slots(kept: Tensor, generator: torch.Generator | None) -> Tensor:
    """The source (B, N) of every slot: itself where kept (B, N), a random kept slot of its cloud elsewhere."""
    slots = torch.arange(kept.shape[1], device=kept.device).expand_as(kept)
    rank = kept.cumsum(dim=1)
    # Kept slots, packed to the front; dropped ones all land in the extra last column.
    column = torch.where(kept, rank - 1, kept.shape[1])
    packed = slots.new_zeros(kept.shape[0], kept.shape[1] + 1).scatter(1, column, slots)
    count = rank[:, -1:]
    draw = torch.rand(kept.shape, device=kept.device, generator=generator)
    pick = (draw * count).long().minimum(count - 1).clamp(min=0)
    return torch.where(kept, slots, packed.gather(1, pick))
