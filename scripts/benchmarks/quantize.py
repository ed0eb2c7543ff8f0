"""Randomized quantization beside its original formulation."""

from collections.abc import Iterator

import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.scripts.benchmarks.pair import Pair

SHAPES: list[tuple[tuple[int, ...], int, int]] = [  # shape, bins, dim
    ((256, 64, 96), 8, -1),
    ((256, 64, 96), 32, -1),
    ((64, 1024, 3), 8, -2),
    ((64, 1024, 3), 32, -2),
    ((256, 1024, 64), 8, -1),
]


def original_formulation(x: Tensor, bins: int) -> Tensor:
    """RQ along the last dimension as first published: every entry compared with every bin, a (channels, bins, entries)
    tensor and a check."""
    channels = x.reshape(-1, 1, x.shape[-1])
    low, high = channels.amin(2, keepdim=True), channels.amax(2, keepdim=True)
    cuts = low + torch.rand(len(channels), bins - 1, 1, device=x.device) * (high - low)
    left, right = torch.cat([low, cuts], 1).sort(1).values, torch.cat([cuts, high + 1], 1).sort(1).values
    inside = (channels < right) & (channels >= left)
    if not bool((inside.sum(1) == 1).all()):
        raise AssertionError("an entry lies in no bin")
    index = inside.int().argmax(1, keepdim=True)
    values = left + torch.rand_like(left) * (right - left)
    return values.expand(-1, -1, x.shape[-1]).gather(1, index).reshape(x.shape)


def quantize(device: str) -> Iterator[Pair]:
    """Spectrograms, clouds and images."""
    for shape, bins, dim in SHAPES:
        x = torch.randn(shape, device=device)
        augment = RandomizedQuantization(bins, dim=dim)
        yield Pair(
            f"RQ {shape}, {bins} bins along {dim}",
            lambda x=x, augment=augment: augment(x),  # type: ignore[misc]
            lambda x=x, bins=bins, dim=dim: original_formulation(x.transpose(dim, -1), bins),  # type: ignore[misc]
            "original formulation",
        )
