"""Base classes of point cloud augmentations, which map batches of clouds to batches of clouds."""

from typing import ClassVar

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation
from randquant.packed import PackedBatch
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.points.layout import XYZ, Layout


class CloudAugmentation(Augmentation):
    """An `Augmentation` of clouds that knows what it does to the rest of a `CloudBatch`; here, nothing.

    Attributes:
        keeps_slots: whether every point stays in its slot, so that neighbourhoods found beforehand still hold.
    """

    keeps_slots: ClassVar[bool] = True

    def augment(self, batch: CloudBatch, *, generator: torch.Generator | None = None) -> CloudBatch:
        """Draw and apply in training mode; return the batch itself in eval mode."""
        return batch.with_points(self(batch.points, generator=generator))

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """The same of clouds of any size (ΣN, C), none of them empty; here one after the other."""
        if not self.training:
            return clouds
        return PackedBatch.of([self(cloud[None], generator=generator)[0] for cloud in clouds.split()])


class OfPoints(CloudAugmentation):
    """Any other augmentation of tensors (B, N, C), applied to the points.

    Args:
        augmentation: such as `RandomizedQuantization(dim=-2)`.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        super().__init__()
        self.augmentation = augmentation

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Augment clouds (B, N, C)."""
        return self.augmentation(x, generator=generator)


class PerCloudAugmentation(CloudAugmentation):
    """A random change of clouds that is drawn for every cloud by itself.

    A cloud that is not chosen (probability 1 - p) gets the draw that changes nothing, so it comes back bit for bit and
    the same generator gives the same draws whatever p is. Draws are float32 and free of units wherever the cloud's own
    size gives the unit; the result has the dtype of the input and is computed in float32, or float64 for float64.

    A draw can be replayed on any batch of as many clouds and points: on clean and quantized coordinates of the same
    clouds, say.

    Args:
        p: probability that a cloud is changed.
        layout: what the columns mean; the clouds must have as many.

    Raises:
        ValueError: p is not a probability.
    """

    def __init__(self, p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__()
        self.p, self.layout = checked_probability("p", p), layout

    def augment_packed(self, clouds: PackedBatch, *, generator: torch.Generator | None = None) -> PackedBatch:
        """One draw a cloud, applied to its points as clouds of one: for draws of one value a cloud."""
        if not self.training:
            return clouds
        drawn = self.make_params(clouds.first_rows()[:, None], generator=generator)
        own = type(drawn)(*(value[clouds.cloud] for value in drawn))
        return clouds.with_rows(self.transform(clouds.rows[:, None], own)[:, 0])

    def _chosen(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """(B,) bool: the clouds to change."""
        return torch.rand(x.shape[0], device=x.device, generator=generator) < self.p


def check_clouds(x: Tensor, layout: Layout | None = None) -> None:
    """Refuse what is not a batch of clouds of these columns; without a layout, of coordinates and whatever follows.

    Raises:
        ValueError: the shape does not fit.
        TypeError: the dtype is not floating.
    """
    columns = "C" if layout is None else str(len(layout))
    if x.ndim != 3 or x.shape[-1] < 3:
        raise ValueError(f"expected clouds of shape (B, N, {columns}), got {tuple(x.shape)}.")
    if layout is not None and x.shape[-1] != len(layout):
        raise ValueError(
            f"expected clouds with the columns {', '.join(layout.channels)}, got {x.shape[-1]} columns; "
            "pass the layout that names them."
        )
    if not x.is_floating_point():
        raise TypeError(f"expected clouds of floating-point numbers, got {x.dtype}; convert them by x.float().")


def in_full_precision(x: Tensor) -> Tensor:
    """float16 and bfloat16 as float32; float32 and float64 as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def with_geometry(x: Tensor, layout: Layout, xyz: Tensor, normals: Tensor | None = None) -> Tensor:
    """The clouds x with other coordinates and, where given, other normals; everything else and the dtype as in x."""
    if x.shape[-1] == 3:
        return xyz.to(x.dtype)
    changed = x.clone()
    changed[..., layout.xyz] = xyz.to(x.dtype)
    if normals is not None and layout.normals is not None:
        changed[..., layout.normals] = normals.to(x.dtype)
    return changed
