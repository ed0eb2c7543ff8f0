"""Pictures and settings for the tests of augmentations."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from randquant.images.settings import ImagePretraining


def pictures(count: int = 6, height: int = 32, width: int = 32, *, seed: int = 0) -> Tensor:
    """Smooth pictures with noise, (count, 3, height, width), whose values are multiples of 1 / 255."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    noise = 0.1 * torch.rand(smooth.shape, generator=generator)
    return ((0.9 * smooth + noise) * 255.0).round() / 255.0


def settings(**changes: Any) -> ImagePretraining:
    """Of a training on pictures of 32 pixels."""
    return ImagePretraining(Path("run"), data=[Path("store")], **changes)
