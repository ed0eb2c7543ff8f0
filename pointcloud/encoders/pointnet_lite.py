"""PointNet-lite: a small encoder with two stages of local neighbourhoods, made to be trained on a CPU."""

import torch
from torch import Tensor, nn

from randquant.packed import PackedBatch
from randquant.pointcloud.augment.dropped_points import SPARE, kept_neighbours
from randquant.pointcloud.encoders.local_network import LocalNetwork
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.shared_layer import SharedLayer
from randquant.pointcloud.points.geometry import group, nearest_neighbours
from randquant.pointcloud.points.segment import segment_reduce
from randquant.stages import Tap


class PointNetLite(PointEncoder):
    """Neighbourhoods of points -> neighbourhoods of neighbourhoods -> maximum and mean over them.

    The cloud's first points are the centres of the first stage's neighbourhoods, the first of these those of the
    second's: in a store they are its farthest-point subsets, in any other order random ones. In each stage what lies in
    a neighbourhood, relative to its centre, passes one shared network, and the maximum is taken. A last network sees
    the second stage's neighbourhoods with their places; maximum and mean over them are the embedding. It is PointNet++
    without its sampling and with a thirtieth of its work; and neighbourhoods can be found once for each cloud
    (`neighbourhoods`) and given to every step, since augmentations that move points do not change who is whose
    neighbour.

    Args:
        d: channels of the last layer, a multiple of 16; the embedding has 2 d numbers.
        channels: columns of the points it reads, coordinates first.
        centres: neighbourhoods of the first and the second stage; a cloud with fewer points has as many as points.
        neighbours: points of each, k; likewise.
        part: points of a part, as for `set_part`.

    Source: after PointNet and PointNet++, Qi et al., CVPR and NeurIPS 2017.
    """

    takes_neighbours = True
    trains_packed = True

    def __init__(
        self, d: int = 256, channels: int = 3, centres: tuple[int, int] = (128, 32), neighbours: int = 16, part: int = 0
    ) -> None:
        if d < 16 or d % 16 or not centres[0] >= centres[1] >= 1 or neighbours < 1:
            raise ValueError(
                "d should be a multiple of 16, centres two numbers with the larger one first and neighbours at least "
                f"1, got {d}, {centres} and {neighbours}."
            )
        arguments = {"d": d, "channels": channels, "centres": list(centres), "neighbours": neighbours}
        super().__init__(channels=channels, embedding_size=2 * d, arguments=arguments, part=part)
        self.centres, self.neighbours = (centres[0], centres[1]), neighbours
        self.first = _Stage(channels, d // 16, d // 8)
        self.second = _Stage(3 + d // 8, d // 4, d // 4)
        self.whole = nn.Sequential(SharedLayer(3 + d // 4, d), SharedLayer(d, d))
        self.taps = nn.ModuleDict({"first": Tap(), "second": Tap()})

    @property
    def stages(self) -> dict[str, nn.Module]:
        """first, second: features (B, M, C) of a stage's neighbourhoods with their centres, in clouds of one size."""
        return dict(self.taps.items())

    def neighbourhoods(self, xyz: Tensor) -> Tensor:
        """The points next to each centre of the first stage, then the centres next to each of the second's.

        Args:
            xyz: (B, N, 3).

        Returns:
            (B, M1 + M2, 2 k) int64 slots, nearest first: `SPARE` times as many as are taken.
        """
        return self._neighbourhoods(xyz, SPARE * self.neighbours)

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        """(B, N, channels), neighbours (B, M1 + M2, k or more), kept (B, N) -> (B, 2 d).

        Without neighbourhoods found beforehand the embedding is that of the kept points alone; with them, other points
        and the neighbourhoods of other centres do not count.
        """
        if neighbours is None and kept is not None:
            order = kept.to(torch.int8).argsort(dim=1, descending=True, stable=True)
            points, kept = group(points, order), kept.gather(1, order)  # so that those that stay are the centres
        if neighbours is None:
            neighbours = self._neighbourhoods(points[..., :3], self.neighbours, kept)
        first, second = self._counts(points.shape[1])
        local, centres = self.first(points, *self._nearest_kept(neighbours[:, :first], kept))
        places, neighbours = points[:, :first, :3], neighbours[:, first:]
        mixed, local = self.taps["first"](centres, local)
        if mixed is not centres:  # the centres of two clouds, which have other neighbours
            places, kept = mixed, None
            neighbours = nearest_neighbours(places[:, :second], places, min(self.neighbours, first))
        local, centres = self.second(
            torch.cat([places, local], dim=-1),  # not rounded: differences of coordinates follow
            *self._nearest_kept(neighbours, _first(kept, first)),
        )
        mixed, local = self.taps["second"](centres, local)
        kept = kept if mixed is centres else None  # a dropped centre is a copy of a kept one
        return _pooled(self.whole(torch.cat([mixed, local], dim=-1)), _first(kept, second))

    def forward_packed(self, clouds: PackedBatch) -> Tensor:
        """Embed clouds of any size: (ΣN, channels) -> (S, 2 d)."""
        self.check_packed(clouds)
        many, few = ([self._counts(size)[stage] for size in clouds.sizes] for stage in (0, 1))
        local, centres = self.first(clouds.rows[None], *self._packed_neighbourhoods(clouds, many))
        inner = PackedBatch.of(torch.cat([centres, local], dim=-1)[0].split(many))
        local, centres = self.second(inner.rows[None], *self._packed_neighbourhoods(inner, few))
        whole = PackedBatch.of(self.whole(torch.cat([centres, local], dim=-1))[0].split(few))
        return torch.cat([segment_reduce(whole.rows, whole.offsets, how) for how in ("max", "mean")], dim=-1)

    def _packed_neighbourhoods(self, clouds: PackedBatch, counts: list[int]) -> tuple[Tensor, Tensor]:
        """Rows of each cloud's first points (1, ΣM) and of their neighbours (1, ΣM, k), the last one repeated."""
        centres, neighbours, start = [], [], 0
        for cloud, count in zip(clouds.split(), counts, strict=True):
            xyz = cloud[None, :, :3]
            near = nearest_neighbours(xyz[:, :count], xyz, min(self.neighbours, len(cloud))) + start
            neighbours.append(torch.cat([near, near[..., -1:].expand(-1, -1, self.neighbours - near.shape[2])], dim=2))
            centres.append(torch.arange(start, start + count, device=near.device))
            start += len(cloud)
        return torch.cat(centres)[None], torch.cat(neighbours, dim=1)

    def _nearest_kept(self, neighbours: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """Slots of the centres (B, M) and of their neighbours (B, M, k), those that are kept."""
        return kept_neighbours(neighbours, kept, min(self.neighbours, neighbours.shape[2]))

    def _neighbourhoods(self, xyz: Tensor, k: int, kept: Tensor | None = None) -> Tensor:
        """(B, M1 + M2, k), or fewer where there are fewer points."""
        first, second = self._counts(xyz.shape[1])
        points = nearest_neighbours(xyz[:, :first], xyz, min(k, xyz.shape[1]), kept)
        centres = nearest_neighbours(xyz[:, :second], xyz[:, :first], min(k, first), _first(kept, first))
        missing = points.shape[2] - centres.shape[2]
        filled = torch.cat([centres, centres[..., -1:].expand(-1, -1, missing)], dim=2)
        return torch.cat([points, filled], dim=1)

    def _counts(self, points: int) -> tuple[int, int]:
        return min(self.centres[0], points), min(self.centres[1], points)


class _Stage(nn.Module):
    """Neighbours relative to their centre -> shared network -> maximum."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.network = LocalNetwork(inputs, hidden, outputs)

    def forward(self, points: Tensor, at: Tensor, neighbours: Tensor) -> tuple[Tensor, Tensor]:
        """Points (B, N, 3 + F), slots (B, M) and (B, M, k) -> features (B, M, outputs), their centres (B, M, 3)."""
        centres = group(points[..., :3], at)
        return self.network(points[..., :3], points[..., 3:], centres, neighbours), centres


def _first(kept: Tensor | None, count: int) -> Tensor | None:
    return None if kept is None else kept[:, :count]


def _pooled(features: Tensor, kept: Tensor | None) -> Tensor:
    """Maximum and mean over the centres: (B, M, d) -> (B, 2 d). With no centre kept, all count."""
    exact = torch.promote_types(features.dtype, torch.float32)
    if kept is None:
        return torch.cat([features.amax(dim=1), features.mean(dim=1, dtype=exact)], dim=-1)
    weight = (kept | ~kept.any(dim=1, keepdim=True))[..., None].to(features.dtype)
    mean = (features * weight).sum(dim=1, dtype=exact) / weight.sum(dim=1, dtype=exact)
    return torch.cat([(features * weight).amax(dim=1), mean], dim=-1)
