"""Randomized quantization beside its original formulation, its plain form and a memory copy."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.kernels.chosen import plain_form
from randquant.kernels.uniform import uniform
from randquant.packed import PackedBatch
from randquant.scripts.measuring.pair import Pair

SHAPES: list[tuple[tuple[int, ...], int, int | tuple[int, ...]]] = [  # shape, bins, dim
    ((256, 64, 96), 8, -1),
    ((16, 3, 224, 224), 8, (-2, -1)),
    ((256, 2048, 3), 32, -2),
    ((256, 64, 96), 32, -1),
    ((64, 1024, 3), 32, -2),
    ((64, 197, 384), 8, -2),
]
CLOUDS, POINTS, BINS = 256, 2048, 32


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
    """Spectrograms, images, clouds and tokens; packed and masked clouds against dense ones."""
    for shape, bins, dim in SHAPES:
        x = torch.randn(shape, device=device)
        copied, channels = torch.empty_like(x), _channels(x, dim)
        own = partial(RandomizedQuantization(bins, dim=dim), x)
        name = f"RQ {shape}, {bins} bins along {dim}"
        yield Pair(name, own, partial(original_formulation, channels, bins), "original formulation")
        yield Pair(name, own, partial(_plainly, own), "plain form")
        yield Pair(name, own, partial(copied.copy_, x), "memory copy")
        yield Pair(name, own, partial(_draws, channels.shape[:-1].numel(), bins, device), "its random numbers alone")
    clouds = torch.randn(CLOUDS, POINTS, 3, device=device)
    augment = RandomizedQuantization(BINS, dim=-2)
    kept = torch.rand(CLOUDS, POINTS, device=device) < 0.8
    packed = PackedBatch.of(list(clouds))
    name, dense = f"of {CLOUDS} x {POINTS:,} points, {BINS} bins", partial(augment, clouds)
    yield Pair(f"RQ, packed, {name}", partial(augment, packed.rows, offsets=packed.offsets), dense, "dense", CLOUDS)
    yield Pair(f"RQ, masked, {name}", partial(augment, clouds, mask=kept), dense, "dense", CLOUDS)


def _channels(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """With what shares a quantizer as the last dimension, as the original formulation takes it."""
    return x.flatten(dim[0]) if isinstance(dim, tuple) else x.transpose(dim, -1)


def _draws(rows: int, bins: int, device: str) -> Tensor:
    """The numbers that a draw takes, as the compiled form draws them."""
    draw = uniform if device == "cpu" else partial(torch.rand, device=device)
    draw((rows, bins - 1), generator=None)
    return draw((rows, bins), generator=None)


def _plainly(call: partial[Tensor]) -> Tensor:
    with plain_form():
        return call()
