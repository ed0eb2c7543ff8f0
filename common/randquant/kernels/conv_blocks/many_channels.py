"""A block of 64 channels in and out; for gradients its convolution is stored once."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from randquant.kernels.conv_blocks.conv_block import CHANNELS, ConvBlock
from randquant.kernels.conv_blocks.statistics import Statistics, batch_affine, remember, running_affine, statistics
from randquant.kernels.conv_blocks.winograd import to_tiles, to_weights
from randquant.kernels.threads import over


class _Convolved:
    """What one pass over maps (B, H, W, 64) gives.

    Attributes:
        y: (B, H, W, 64) the convolution, or empty.
        slots: bytes, which of each 2x2 is highest, in the order of `out` in memory; or empty.
        out: (B, 64, H // 2, W // 2), channels last in memory, the highest; where sums are not asked for, what scale,
            shift and ReLU make of it.
        sums: (2, 64) float64, of outputs and of their squares.
    """

    def __init__(self, maps: Tensor, weight: Tensor, affine: Tensor, *, counted: bool, kept: bool) -> None:
        from randquant.kernels.compiled.convolution.forward import PATCH, SPACE, forward

        count, height, width, _ = maps.shape
        self.out = torch.empty(count, CHANNELS, height // 2, width // 2, memory_format=torch.channels_last)
        self.y = torch.empty(maps.shape if kept else 0)
        self.slots = torch.empty(self.out.numel() if kept else 0, dtype=torch.uint8)
        sums = maps.new_zeros(count if counted else 0, 2, CHANNELS, dtype=torch.float64)
        x, w, numbers = (each.numpy().reshape(-1) for each in (maps, to_tiles(weight), affine))
        results = [each.numpy().reshape(-1) for each in (self.y, self.slots, _channels_last(self.out), sums)]

        def work(first: int, last: int) -> None:
            scratch = np.empty(2 * SPACE + PATCH, np.float32)
            forward(x, (height, width), w, numbers, (counted, kept), *results, scratch, first, last)

        over(count, maps.numel(), 1, work)
        self.sums = sums.sum(dim=0)


def many_channels_block(x: Tensor, block: ConvBlock, *, kept: bool) -> Tensor:
    """See `conv_block`.

    Args:
        x: (B, 64, H, W).
        block: of 64 input channels.
        kept: whether gradients are asked for.
    """
    convolution, norm = block.convolution, block.norm
    if not norm.training:
        maps, affine = _channels_last(x.detach()), running_affine(norm, convolution)
        return _Convolved(maps, convolution.weight.detach(), affine, counted=False, kept=False).out
    out, mean, variance = _ManyChannels.apply(
        x, convolution.weight, convolution.bias, norm.weight, norm.bias, norm.eps, kept
    )
    remember(Statistics(mean, variance, x.numel() // CHANNELS), norm, convolution)
    found: Tensor = out
    return found


class _ManyChannels(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        scale: Tensor,
        shift: Tensor,
        epsilon: float,
        kept: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        maps = _channels_last(x)
        convolved = _Convolved(maps, weight, scale.sign()[None], counted=True, kept=kept)
        found = statistics(convolved.sums[0], convolved.sums[1], maps.numel() // CHANNELS)
        _, factors, offsets = batch_affine(found, scale, shift, epsilon)[:, :, None, None]
        extremes = convolved.out
        out = extremes.mul(factors) if kept else extremes.mul_(factors)
        out.add_(offsets).relu_()
        if kept:
            inverse = found.inverse_deviation(epsilon)
            ctx.save_for_backward(maps, weight, scale, convolved.y, convolved.slots, extremes, out, found.mean, inverse)
        ctx.mark_non_differentiable(found.mean, found.variance)
        return out, found.mean, found.variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight, scale, y, slots, extremes, out, mean, inverse = ctx.saved_tensors  # type: ignore[attr-defined]
        upstream, count = _channels_last(gradients[0]), maps.numel() // CHANNELS
        alone, with_extremes = _passed_sums(out, upstream, extremes, mean)
        to_scale, factor = with_extremes * inverse, scale.double() * inverse
        constants = torch.stack([factor, mean, -factor * inverse * to_scale / count, -factor * alone / count])
        to_x, to_weight = _convolution_backward(maps, weight, y, slots, out, upstream, constants.float())
        to_bias = torch.zeros_like(scale) if ctx.needs_input_grad[2] else None  # type: ignore[attr-defined]
        return to_x.permute(0, 3, 1, 2), to_weight, to_bias, to_scale.float(), alone.float(), None, None


def _channels_last(x: Tensor) -> Tensor:
    """(B, H, W, C) from (B, C, H, W)."""
    return x.permute(0, 2, 3, 1).contiguous()


def _passed_sums(out: Tensor, upstream: Tensor, extremes: Tensor, mean: Tensor) -> Tensor:
    """(2, 64) float64: of what ReLU lets through, alone and times extremes less their mean."""
    from randquant.kernels.compiled.convolution.backward import passed_sums

    sums = out.new_zeros(len(out), 2, CHANNELS, dtype=torch.float64)
    maps = _channels_last(out), upstream, _channels_last(extremes)
    arrays = [each.numpy().reshape(-1) for each in (*maps, mean.float())]
    found, size = sums.numpy().reshape(-1), out[0, 0].numel()
    over(len(out), out.numel(), 1, lambda first, last: passed_sums(*arrays, size, found, first, last))
    return sums.sum(dim=0)


def _convolution_backward(
    maps: Tensor, weight: Tensor, y: Tensor, slots: Tensor, out: Tensor, upstream: Tensor, constants: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of maps, and of the weight."""
    from randquant.kernels.compiled.convolution.backward import GROUP, backward
    from randquant.kernels.compiled.convolution.forward import PATCH, SPACE

    sizes, groups = maps.shape[:3], -(-len(maps) // GROUP)
    to_maps, to_tiled = torch.empty_like(maps), maps.new_zeros(groups, 16, CHANNELS, CHANNELS)
    turned = to_tiles(weight).transpose(1, 2).contiguous()
    tensors = maps, turned, y, slots, _channels_last(out), upstream, constants
    x, w, *others = (each.numpy().reshape(-1) for each in tensors)
    results = [each.numpy().reshape(-1) for each in (to_maps, to_tiled)]

    def work(first: int, last: int) -> None:
        scratch = np.empty(2 * SPACE + PATCH, np.float32)
        backward(x, tuple(sizes), w, *others, *results, scratch, first, last)

    over(groups, maps.numel(), 1, work)
    return to_maps, to_weights(to_tiled.sum(dim=0))
