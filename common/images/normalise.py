"""Pixels to normalised pictures: bytes to [0, 1], then the training pictures' mean and deviation of each colour."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.probes.items.scaling import moments


class ColourStatistics(NamedTuple):
    """Mean and standard deviation of red, green and blue in [0, 1], three numbers each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


# Of ImageNet's training pictures, as every published file expects them (torchvision's documentation).
IMAGENET = ColourStatistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IN_UNIT_RANGE = ColourStatistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # leave pictures in [0, 1] as they are


class Normalise(nn.Module):
    """(x - mean) / std for each colour, so that zero is the mean.

    Args:
        statistics: of pictures in [0, 1].

    Raises:
        ValueError: not three finite means and three finite positive deviations.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, statistics: ColourStatistics) -> None:
        super().__init__()
        check_statistics(statistics)
        for name, values in statistics._asdict().items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """Normalise pictures (..., 3, H, W) in [0, 1]."""
        return (x - self.mean) / self.std

    def extra_repr(self) -> str:
        """The statistics."""
        return ", ".join(f"{name}={value.flatten().tolist()}" for name, value in self.named_buffers())


def in_unit_range(pixels: Tensor) -> Tensor:
    """Bytes (B, H, W, 3) -> float32 pictures (B, 3, H, W) in [0, 1], colours last in memory."""
    return pixels.permute(0, 3, 1, 2).float() / 255.0


def as_encoded(pixels: Tensor, normalise: Normalise, device: str | torch.device) -> Tensor:
    """Bytes (B, H, W, 3) -> what an encoder takes, on the device."""
    return normalise(in_unit_range(pixels.to(device))).contiguous(memory_format=torch.channels_last)


def colour_statistics(batches: Iterable[Tensor]) -> ColourStatistics:
    """Mean and deviation of each colour over all pixels of bytes (B, H, W, 3), gathered in float64.

    Raises:
        DataError: every pixel has the same colour.
    """
    found = moments(batch.reshape(-1, 3) for batch in batches)
    deviation = (found.squares / found.count).sqrt()
    if not bool((deviation > 0).all()):
        raise DataError("all pictures have one and the same value of a colour, so there is nothing to learn from them.")
    return ColourStatistics(tuple((found.mean / 255).tolist()), tuple((deviation / 255).tolist()))


def check_statistics(statistics: ColourStatistics) -> None:
    """ValueError unless these are three finite means and three finite deviations above zero."""
    mean, std = statistics
    if len(mean) != 3 or len(std) != 3 or not all(map(math.isfinite, [*mean, *std])) or min(std) <= 0.0:
        raise ValueError(f"expected three finite means and three finite deviations > 0, got {mean!r} and {std!r}.")


def statistics_of(mean: Sequence[float], std: Sequence[float]) -> ColourStatistics:
    """Statistics from JSON, checked.

    Raises:
        ValueError: as `check_statistics`.
    """
    made = ColourStatistics(tuple(map(float, mean)), tuple(map(float, std)))
    check_statistics(made)
    return made
