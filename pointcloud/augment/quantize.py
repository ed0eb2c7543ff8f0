"""Randomized quantization of clouds: coordinates, normals and colours, each with bins of their own.

Everything here is `randquant.RandomizedQuantization` over groups of columns, plus what only points need: an isotropic
lattice, unit normals, noise that spreads points which fell together, the unit sphere.

Few bins destroy a shape's local geometry: of 1,024 points on the unit sphere, 8 bins an axis leave about 150 places,
32 about 730. The bins of the coordinates are therefore drawn from 16 to 64 for each cloud, by default. Quantized after
a rotation, the bins cut the shape along random directions; before it, along its own axes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_size
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.cloud_augmentation import PerCloudAugmentation, check_clouds, in_full_precision
from randquant.pointcloud.points.geometry import unit_sphere, unit_spheres
from randquant.pointcloud.points.layout import XYZ, Layout
from randquant.pointcloud.points.segment import segment_reduce
from randquant.quantize import Edges, QuantizationParams, RandomizedQuantization, Value

CLIP = 3.0  # of the jitter, in standard deviations


@dataclass(frozen=True)
class Quantizer:
    """How one group of columns is quantized; see `RandomizedQuantization` for what each word means.

    Args:
        bins: number of bins, or (low, high) to draw it for each cloud.
        p: probability that a cloud's group is quantized, drawn for each group by itself.
        edges: "random" or "uniform".
        value: "random", "midpoint" or "zero".
    """

    bins: int | tuple[int, int] = (16, 64)
    p: float = 1.0
    edges: Edges = "random"
    value: Value = "random"

    def module(self, dim: int | tuple[int, int]) -> RandomizedQuantization:
        """The augmentation over these dimensions; refuses what it refuses."""
        return RandomizedQuantization(self.bins, dim, self.p, self.edges, self.value)


class PointQuantizationParams(NamedTuple):
    """One draw of `PointQuantization`: that of each group, None where the group is left alone; and noise (B, N, 3),
    normal and clipped, in standard deviations, None without jitter."""

    xyz: QuantizationParams | None
    normals: QuantizationParams | None
    colours: QuantizationParams | None
    noise: Tensor | None


class PointQuantization(PerCloudAugmentation):
    """Quantize the coordinates, the normals and the colours of clouds (B, N, C), each group in its own way.

    Every column of a group has bins of its own, over its own range in that cloud. Columns outside the three groups
    (part, file_row, one-hot labels, ...) are never touched. A cloud whose group is not drawn keeps it bit for bit.
    Normals are quantized separately from the coordinates and normalised again; a point without a normal (all zero)
    stays without and does not count. Coordinates are quantized, then jittered, then normalised.

    Args:
        xyz: for the coordinates; None leaves them alone.
        normals: for the normals; None leaves them alone.
        colours: for the colours; None leaves them alone.
        layout: what the columns mean.
        shared: x, y and z of a cloud share one quantizer, over the range of all three: cells of a lattice that is the
            same along every axis. Without it every axis has its own.
        jitter: standard deviation of the noise added to quantized coordinates, as a fraction of their range along each
            axis before; it spreads points that fell together. Cut off at three deviations.
        renormalise: bring quantized clouds back into the unit sphere.

    Raises:
        ValueError: an argument out of range, or a group the layout lacks.

    >>> quantize = PointQuantization(Quantizer(bins=4), shared=True)
    >>> quantized = quantize(torch.rand(2, 100, 3))
    >>> [cloud.unique().numel() <= 4 for cloud in quantized]
    [True, True]
    """

    def __init__(
        self,
        xyz: Quantizer | None = Quantizer(),
        normals: Quantizer | None = None,
        colours: Quantizer | None = None,
        layout: Layout = XYZ,
        shared: bool = False,
        jitter: float = 0.0,
        renormalise: bool = False,
    ) -> None:
        super().__init__(layout=layout)
        for name, quantizer, columns in (("normals", normals, layout.normals), ("colours", colours, layout.colours)):
            if quantizer is not None and columns is None:
                raise ValueError(f"{name} should be None, the layout has only {', '.join(layout.channels)}.")
        # Coordinates go in as (B, 1, N, 3), so that a cloud is a sample whichever dimensions share a quantizer.
        self.xyz = None if xyz is None else xyz.module((-2, -1) if shared else -2)
        self.normals = None if normals is None else normals.module(-2)
        self.colours = None if colours is None else colours.module(-2)
        self.shared, self.jitter, self.renormalise = bool(shared), checked_size("jitter", jitter), bool(renormalise)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> PointQuantizationParams:
        """Draw every group's bins and the noise; only shape, dtype and device of x are used."""
        check_clouds(x, self.layout)
        groups = zip((self.xyz, self.normals, self.colours), self._groups(in_full_precision(x)), strict=True)
        xyz, normals, colours = (
            None if module is None else module.make_params(columns, generator=generator) for module, columns in groups
        )
        noise = None
        if self.xyz is not None and self.jitter > 0.0:
            noise = torch.randn(*x.shape[:2], 3, device=x.device, generator=generator).clamp_(-CLIP, CLIP)
        return PointQuantizationParams(xyz, normals, colours, noise)

    def transform(self, x: Tensor, params: PointQuantizationParams) -> Tensor:
        """Quantize every cloud (B, N, C)."""
        check_clouds(x, self.layout)
        xyz, normals, colours = self._groups(in_full_precision(x))
        changed = x.clone()
        if self.xyz is not None and params.xyz is not None:
            changed[..., self.layout.xyz] = self._placed(xyz[:, 0], params, self.xyz).to(x.dtype)
        if self.normals is not None and params.normals is not None:
            changed[..., self.layout.normals] = _unit_normals(normals, params.normals, self.normals).to(x.dtype)
        if self.colours is not None and params.colours is not None:
            changed[..., self.layout.colours] = self.colours.transform(colours, params.colours).to(x.dtype)
        return changed

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """Quantize clouds of any size, by the offsets that `RandomizedQuantization` takes."""
        if not self.training:
            return clouds
        x, changed = in_full_precision(clouds.rows), clouds.rows.clone()
        if self.xyz is not None:
            xyz = clouds.with_rows(x[:, self.layout.xyz])
            changed[:, self.layout.xyz] = self._packed_places(xyz, self.xyz, generator).to(changed.dtype)
        if self.normals is not None:
            normals = clouds.with_rows(x[:, self.layout.normals])
            changed[:, self.layout.normals] = _packed_normals(normals, self.normals, generator).to(changed.dtype)
        if self.colours is not None:
            colours = self.colours(x[:, self.layout.colours], offsets=clouds.offsets, generator=generator)
            changed[:, self.layout.colours] = colours.to(changed.dtype)
        return clouds.with_rows(changed)

    def extra_repr(self) -> str:
        """The constructor's arguments but the quantizers, which print themselves."""
        names = ("layout", "shared", "jitter", "renormalise")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)

    def _groups(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates (B, 1, N, 3), normals (B, N, 3) and colours (B, N, 3), empty where there are none."""
        none = slice(0, 0)
        return (
            x[:, None, :, self.layout.xyz],
            x[..., self.layout.normals or none],
            x[..., self.layout.colours or none],
        )

    def _placed(self, xyz: Tensor, params: PointQuantizationParams, quantize: RandomizedQuantization) -> Tensor:
        """Coordinates (B, N, 3) quantized, jittered and normalised, as far as asked."""
        assert params.xyz is not None
        placed = quantize.transform(xyz[:, None], params.xyz)[:, 0]
        if params.noise is not None:
            extent = xyz.amax(dim=1, keepdim=True) - xyz.amin(dim=1, keepdim=True)
            placed = placed + params.noise * (self.jitter * extent)
        if self.renormalise:
            placed = unit_sphere(placed)
        return placed if params.xyz.apply is None else torch.where(params.xyz.apply[:, None, None], placed, xyz)

    def _packed_places(
        self, clouds: PackedBatch, quantize: RandomizedQuantization, generator: torch.Generator | None
    ) -> Tensor:
        """`_placed` for coordinates (ΣN, 3) of clouds of any size."""
        quantize = RandomizedQuantization(quantize.bins, -2, quantize.p, quantize.edges, quantize.value)
        columns = 3 if self.shared else 1  # that one quantizer is for: as many rows more of each cloud
        flat, offsets = clouds.rows.reshape(columns * len(clouds.rows), -1), columns * clouds.offsets
        params = quantize.make_params(flat, offsets=offsets, generator=generator)
        placed = quantize.transform(flat, params, offsets=offsets).view_as(clouds.rows)
        if self.jitter > 0.0:
            noise = torch.randn(placed.shape, device=placed.device, generator=generator).clamp_(-CLIP, CLIP)
            upper = segment_reduce(clouds.rows.contiguous(), clouds.offsets, "max")
            extent = upper + segment_reduce(-clouds.rows, clouds.offsets, "max")
            placed = placed + noise * (self.jitter * extent)[clouds.cloud]
        if self.renormalise:
            placed = unit_spheres(clouds.with_rows(placed))
        return placed if params.apply is None else torch.where(params.apply[clouds.cloud, None], placed, clouds.rows)


def _packed_normals(clouds: PackedBatch, quantize: RandomizedQuantization, generator: torch.Generator | None) -> Tensor:
    """`_unit_normals` for normals (ΣN, 3) of clouds of any size."""
    params = quantize.make_params(clouds.rows, offsets=clouds.offsets, generator=generator)
    mask = clouds.rows.any(dim=-1)
    unit = functional.normalize(quantize.transform(clouds.rows, params, offsets=clouds.offsets, mask=mask), dim=-1)
    return unit if params.apply is None else torch.where(params.apply[clouds.cloud, None], unit, clouds.rows)


def _unit_normals(normals: Tensor, params: QuantizationParams, quantize: RandomizedQuantization) -> Tensor:
    """Normals (B, N, 3) quantized and of length one; zeros, before or after, stay zeros."""
    quantized = functional.normalize(quantize.transform(normals, params, mask=normals.any(dim=-1)), dim=-1)
    return quantized if params.apply is None else torch.where(params.apply[:, None, None], quantized, normals)
