"""What the augmentations of clouds (B, N, C) have in common: a probability, a layout, a dtype to compute in."""

import inspect

import torch
from torch import Tensor

from pointcloud.layout import XYZ, Layout
from randquant.augmentation import Augmentation


class PointAugmentation(Augmentation):
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
        ValueError: p is no probability.
    """

    def __init__(self, p: float = 1.0, layout: Layout = XYZ) -> None:
        super().__init__()
        self.p, self.layout = checked_probability("p", p), layout

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in inspect.signature(type(self)).parameters)

    def _chosen(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """(B,) bool: the clouds to change."""
        return torch.rand(x.shape[0], device=x.device, generator=generator) < self.p


def check_clouds(x: Tensor, layout: Layout | None = None) -> None:
    """Refuse what is no batch of clouds of these columns; without a layout, of coordinates and whatever follows.

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


def checked_probability(name: str, value: float) -> float:
    """The value as a float; ValueError where it is not in [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} should be a probability in [0, 1], got {value!r}.")
    return float(value)


def checked_size(name: str, value: float) -> float:
    """The value as a float; ValueError where it is negative or infinite."""
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{name} should be a finite number >= 0, got {value!r}.")
    return float(value)


def checked_range(name: str, bounds: tuple[float, float], most: float = float("inf")) -> tuple[float, float]:
    """The bounds as floats; ValueError where they are not 0 <= low <= high <= most and finite."""
    if len(bounds) != 2 or not 0.0 <= bounds[0] <= bounds[1] <= most or bounds[1] == float("inf"):
        limit = "" if most == float("inf") else f" <= {most:g}"
        raise ValueError(f"{name} should be two numbers with 0 <= low <= high{limit}, got {bounds!r}.")
    return float(bounds[0]), float(bounds[1])


def checked_count(name: str, value: int) -> int:
    """The value; ValueError where it is no integer >= 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} should be an integer >= 1, got {value!r}.")
    return value
