"""Shears, shifts and rotations of pictures: the nearest pixel, black outside."""

import torch
from torch import Tensor
from torch.nn import functional


def sheared_x(x: Tensor, slope: Tensor) -> Tensor:
    """Rows shifted left by `slope` (B,) times their distance from the upper border."""
    zero, one = torch.zeros_like(slope), torch.ones_like(slope)
    return _warped(x, (one, slope, slope * (x.shape[-2] / 2)), (zero, one, zero))


def sheared_y(x: Tensor, slope: Tensor) -> Tensor:
    """Columns shifted up by `slope` (B,) times their distance from the left border."""
    zero, one = torch.zeros_like(slope), torch.ones_like(slope)
    return _warped(x, (one, zero, zero), (slope, one, slope * (x.shape[-1] / 2)))


def shifted_x(x: Tensor, pixels: Tensor) -> Tensor:
    """Shifted right by whole pixels (B,), the fraction cut off."""
    zero, one = torch.zeros_like(pixels), torch.ones_like(pixels)
    return _warped(x, (one, zero, -pixels.trunc()), (zero, one, zero))


def shifted_y(x: Tensor, pixels: Tensor) -> Tensor:
    """Shifted down by whole pixels (B,), the fraction cut off."""
    zero, one = torch.zeros_like(pixels), torch.ones_like(pixels)
    return _warped(x, (one, zero, zero), (zero, one, -pixels.trunc()))


def rotated(x: Tensor, degrees: Tensor) -> Tensor:
    """Turned counter-clockwise about the centre by (B,) degrees."""
    angle = degrees.deg2rad()
    sine, cosine, zero = angle.sin(), angle.cos(), torch.zeros_like(angle)
    return _warped(x, (cosine, -sine, zero), (sine, cosine, zero))


def _warped(x: Tensor, column: tuple[Tensor, Tensor, Tensor], row: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Read each pixel at a linear function (its factors of column and row, and a constant) of its place.

    Places are in pixels from the centre of the picture.
    """
    height, width = x.shape[-2:]
    across = torch.arange(width, device=x.device) - (width - 1) / 2
    down = torch.arange(height, device=x.device)[:, None] - (height - 1) / 2
    read_x, read_y = (
        (a[:, None, None] * across + b[:, None, None] * down + c[:, None, None]) for a, b, c in (column, row)
    )
    grid = torch.stack([read_x * (2 / width), read_y * (2 / height)], dim=-1)
    with torch.autocast(x.device.type, enabled=False):
        return functional.grid_sample(x, grid, mode="nearest", align_corners=False)
