"""The accuracy that a classifier of clean shapes loses on corrupted test shapes: sparse, jittered, rotated, uneven.

Each change is fixed: it depends on the shape, the kind, its severity and the seed, not on the batch or the encoder, so
all encoders meet the same clouds.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from randquant.files.json_record import Json
from randquant.pointcloud.evaluation.result import ChangeScore
from randquant.pointcloud.points.layout import Layout
from randquant.probes.outcome import PartScore

_VERSION = 1  # raise it whenever the same facts would give other clouds


@dataclass(frozen=True)
class Corruption:
    """One kind of change at one severity.

    Args:
        kind: a key of `KINDS`.
        severity: in the unit of the kind, above 0.
        seed: of all draws.
    """

    kind: str
    severity: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind should be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0 < self.severity <= KINDS[self.kind].most:
            raise ValueError(f"severity should be above 0 and at most {KINDS[self.kind].most:g}, got {self.severity:g}")

    @property
    def name(self) -> str:
        """Such as "jitter 0.02"."""
        return f"{self.kind} {self.severity:g}"

    @property
    def facts(self) -> dict[str, Json]:
        """JSON-ready: what the change depends on, except the shape."""
        return {"kind": self.kind, "severity": self.severity, "seed": self.seed, "version": _VERSION}

    def __call__(self, points: Tensor, indices: Sequence[int], layout: Layout) -> Tensor:
        """Change clouds.

        Args:
            points: (B, N, C) on the CPU, in the unit sphere, up axis z.
            indices: (B,) which shapes they are.
            layout: what the channels mean.

        Returns:
            (B, M, C), M at most N.
        """
        change = KINDS[self.kind].change
        clouds = zip(points, indices, strict=True)
        return torch.stack([change(cloud, self.severity, layout, self._generator(index)) for cloud, index in clouds])

    def _generator(self, index: int) -> torch.Generator:
        text = f"{self.seed} {self.kind} {self.severity!r} {index}"
        digest = hashlib.sha256(text.encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


Change = Callable[[Tensor, float, Layout, torch.Generator], Tensor]


def dropout(cloud: Tensor, share: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) without a random `share` of its points; at least one is left."""
    kept = max(1, round(len(cloud) * (1 - share)))
    return cloud[torch.randperm(len(cloud), generator=generator)[:kept].sort().values]


def jitter(cloud: Tensor, deviation: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) with normal noise on the coordinates, in units of the shape's radius; normals stay."""
    noise = deviation * torch.randn(len(cloud), 3, generator=generator)
    return torch.cat([cloud[:, :3] + noise, cloud[:, 3:]], dim=1)


def rotation_up(cloud: Tensor, degrees: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) turned about the up axis by an angle within ± `degrees`; normals turn too."""
    axis = torch.tensor([0.0, 0.0, 1.0])
    return _turned(cloud, axis, _angle(degrees, generator), layout)


def rotation_any(cloud: Tensor, degrees: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """(N, C) turned about a random axis by an angle within ± `degrees`; at 180, uniformly from SO(3)."""
    if degrees < 180:
        axis = torch.randn(3, generator=generator)
        return _turned(cloud, axis / axis.norm(), _angle(degrees, generator), layout)
    quaternion = torch.randn(4, generator=generator)
    quaternion = quaternion / quaternion.norm()
    axis = quaternion[1:] / quaternion[1:].norm()
    return _turned(cloud, axis, 2 * torch.atan2(quaternion[1:].norm(), quaternion[0]), layout)


def density(cloud: Tensor, slope: float, layout: Layout, generator: torch.Generator) -> Tensor:
    """Half of the points (N / 2, C), e^(2 slope) times as likely at one end of the shape as at the other.

    Compare with dropout 0.5, which thins evenly.
    """
    direction = torch.randn(3, generator=generator)
    along = cloud[:, :3] @ (direction / direction.norm())
    likely = slope * along / along.abs().max().clamp_min(1e-12)
    # The largest sums of log-weight and Gumbel noise are a draw without replacement.
    noise = -torch.rand(len(cloud), generator=generator).clamp_min(1e-12).log()
    kept = (likely - noise.clamp_min(1e-12).log()).topk(max(1, len(cloud) // 2)).indices
    return cloud[kept.sort().values]


@dataclass(frozen=True)
class CorruptionKind:
    """A change, the severities it is asked at, the unit of them and the most there can be."""

    change: Change
    severities: tuple[float, ...]
    unit: str
    most: float


KINDS = {
    "dropout": CorruptionKind(dropout, (0.25, 0.5, 0.75, 0.875), "share of points", 1.0),
    "jitter": CorruptionKind(jitter, (0.01, 0.02, 0.05), "deviation in radii", 1.0),
    "rotation_up": CorruptionKind(rotation_up, (15.0, 45.0, 180.0), "± degrees about the up axis", 180.0),
    "rotation_any": CorruptionKind(rotation_any, (15.0, 45.0, 180.0), "± degrees about any axis", 180.0),
    "density": CorruptionKind(density, (1.0, 2.0), "slope of log-density, half the points", 10.0),
}


def corruptions(seed: int) -> list[Corruption]:
    """Every kind at every severity."""
    return [Corruption(kind, severity, seed) for kind, known in KINDS.items() for severity in known.severities]


def described(scores: Mapping[str, PartScore], clean: float, seed: int) -> list[ChangeScore]:
    """What each of `corruptions(seed)` scores, by its name, and loses against the accuracy on clean shapes."""
    return [
        ChangeScore(
            kind=each.kind,
            severity=each.severity,
            unit=KINDS[each.kind].unit,
            accuracy=score.accuracy,
            lost=clean - score.accuracy,
            more={name: fact for name, fact in score.to_json().items() if name != "accuracy"},
        )
        for each in corruptions(seed)
        if (score := scores[each.name])
    ]


def _angle(degrees: float, generator: torch.Generator) -> Tensor:
    return math.radians(degrees) * (2 * torch.rand((), generator=generator) - 1)


def _turned(cloud: Tensor, axis: Tensor, angle: Tensor, layout: Layout) -> Tensor:
    """Rodrigues' rotation of coordinates and normals."""
    x, y, z = axis.tolist()
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
    turned = cloud.clone()
    for triple in (layout.xyz, layout.normals):
        if triple is not None:
            turned[:, triple] = cloud[:, triple] @ matrix.T
    return turned
