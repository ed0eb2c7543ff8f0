"""Pictures and settings for the tests of augmentations."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor


def pictures(count: int = 6, height: int = 24, width: int = 32, *, seed: int = 0) -> Tensor:
    """Smooth pictures with noise, (count, 3, height, width), whose values are multiples of 1 / 255."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    noise = 0.1 * torch.rand(smooth.shape, generator=generator)
    return ((0.9 * smooth + noise) * 255.0).round() / 255.0


@dataclass
class Settings:
    """What `common.images.augment.registry.AugmentationSettings` asks for."""

    augment: str = "rrc+flip+rq"
    image_size: int = 0
    crop_min: float = 0.08
    crop_max: float = 1.0
    flip_p: float = 0.5
    randaugment: tuple[int, int] = (2, 9)
    autoaugment: Literal["imagenet", "cifar10"] = "imagenet"
    colour: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    colour_p: float = 0.8
    gray_p: float = 0.2
    blur_p: list[float] = field(default_factory=lambda: [0.5])
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarize_p: list[float] = field(default_factory=lambda: [0.2])
    clahe_p: float = 0.2
    brightness_p: float = 0.2
    equalize_p: float = 0.2
    posterize_p: float = 0.2
    rq_bins: list[int] = field(default_factory=lambda: [8])
    rq_p: float = 1.0
    rq_first: bool = False
