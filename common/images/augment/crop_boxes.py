"""Where random crops lie: boxes of random area and shape."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

ATTEMPTS = 10
DRAWS = 2 * ATTEMPTS + 2  # uniform numbers that a box takes


class Boxes(NamedTuple):
    """Boxes in pixels, each (B,) int64."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


def crop_boxes(
    draws: Tensor,
    height: int | Tensor,
    width: int | Tensor,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Boxes:
    """Boxes of a share of the area U(scale) and a shape width / height of log-uniform `ratio`, uniformly placed.

    The first of ten attempts that fits into the picture is taken; where none does, the largest box in its middle whose
    shape is within `ratio`. Nothing is read on the host.

    Args:
        draws: (B, DRAWS) uniform in [0, 1).
        height, width: of the pictures, numbers or (B,) int64.
        scale: range of the area over that of the picture.
        ratio: range of the shape.

    Source: Szegedy et al., CVPR 2015 (Inception); the distribution is that of torchvision's RandomResizedCrop.

    >>> boxes = crop_boxes(torch.rand(5, DRAWS), 32, 32)
    >>> bool((boxes.top + boxes.height <= 32).all())
    True
    """
    tall, wide = (
        side if isinstance(side, Tensor) else torch.full((len(draws),), side, device=draws.device)
        for side in (height, width)
    )
    attempts = draws[:, : 2 * ATTEMPTS].double().reshape(-1, 2, ATTEMPTS)  # whole pixels from float32 areas would vary
    area = (tall * wide)[:, None] * (scale[0] + attempts[:, 0] * (scale[1] - scale[0]))
    low, high = math.log(ratio[0]), math.log(ratio[1])
    shape = (low + attempts[:, 1] * (high - low)).exp()
    widths, heights = (area * shape).sqrt().round().long(), (area / shape).sqrt().round().long()
    fits = (widths >= 1) & (widths <= wide[:, None]) & (heights >= 1) & (heights <= tall[:, None])
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    h, w = heights.gather(1, first)[:, 0], widths.gather(1, first)[:, 0]
    fallen_h, fallen_w = _largest(tall, wide, ratio)
    found = fits.any(dim=1)
    h, w = torch.where(found, h, fallen_h), torch.where(found, w, fallen_w)
    place = draws[:, 2 * ATTEMPTS :].double()
    top = torch.where(found, _placed(place[:, 0], tall - h), (tall - h) // 2)
    left = torch.where(found, _placed(place[:, 1], wide - w), (wide - w) // 2)
    return Boxes(top, left, h, w)


def _placed(draw: Tensor, free: Tensor) -> Tensor:
    """A whole number from 0 to `free`, both included."""
    return (draw * (free + 1)).long().minimum(free)


def _largest(height: Tensor, width: Tensor, ratio: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Height and width of the largest box whose shape is within `ratio`."""
    shape = width / height
    h = torch.where(shape < ratio[0], (width / ratio[0]).round().long().minimum(height), height)
    w = torch.where(shape > ratio[1], (height * ratio[1]).round().long().minimum(width), width)
    return h, w
