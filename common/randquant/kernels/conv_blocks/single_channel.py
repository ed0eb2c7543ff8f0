"""A block whose input has one channel: nothing is stored but its output and which of each 2x2 is highest."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from randquant.kernels.conv_blocks.conv_block import ConvBlock
from randquant.kernels.conv_blocks.statistics import Statistics, batch_affine, remember, running_affine
from randquant.kernels.threads import over


def single_channel_block(x: Tensor, block: ConvBlock, *, kept: bool) -> Tensor:
    """See `conv_block`.

    Args:
        x: (B, 1, H, W).
        block: of one input channel.
        kept: whether gradients are asked for.
    """
    convolution, norm = block.convolution, block.norm
    clips = x.detach()[:, 0].contiguous()
    if not norm.training:
        return _chosen(clips, convolution.weight.detach(), running_affine(norm, convolution), kept=False)[0]
    sums, products = _moments(clips)
    found = _statistics(sums, products, convolution.weight.detach(), clips.numel())
    remember(found, norm, convolution)
    if kept:
        out: Tensor = _SingleChannel.apply(
            clips, convolution.weight, convolution.bias, norm.weight, norm.bias, found, sums, products, norm.eps
        )
        return out
    affine = batch_affine(found, norm.weight.detach(), norm.bias.detach(), norm.eps)
    return _chosen(clips, convolution.weight.detach(), affine, kept=False)[0]


class _SingleChannel(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        clips: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        scale: Tensor,
        shift: Tensor,
        found: Statistics,
        sums: Tensor,
        products: Tensor,
        epsilon: float,
    ) -> Tensor:
        out, slots = _chosen(clips, weight, batch_affine(found, scale, shift, epsilon), kept=True)
        ctx.save_for_backward(clips, weight, scale, out, slots, found.mean, found.inverse_deviation(epsilon))
        ctx.moments = sums / found.count, products / found.count
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        clips, weight, scale, out, slots, mean, inverse = ctx.saved_tensors  # type: ignore[attr-defined]
        sums, products = ctx.moments  # type: ignore[attr-defined]
        found = _passed_sums(clips, out, slots, gradients[0])
        patches, alone = found[:9].T, found[9]
        taps = weight.double().view(len(weight), -1)
        # The gradient of the normalised outputs, times themselves: the outputs are products of taps and patches.
        to_scale = ((taps * patches).sum(dim=1) - mean * alone) * inverse
        correlated = (taps @ products - mean[:, None] * sums) * inverse[:, None]  # outputs with patches, on average
        through = patches - alone[:, None] * sums - to_scale[:, None] * correlated
        to_weight = through * (scale.double() * inverse)[:, None]
        to_bias = torch.zeros_like(scale) if ctx.needs_input_grad[2] else None  # type: ignore[attr-defined]
        return None, to_weight.float().view_as(weight), to_bias, to_scale.float(), alone.float(), None, None, None, None


def _moments(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (9,) and (9, 9) float64 over all patches of clips (B, H, W)."""
    from randquant.kernels.compiled.convolution.single import moments
    from randquant.kernels.compiled.lanes import WIDTH

    (clips_, height, width), x = clips.shape, clips.numpy().reshape(-1)
    sums, products = clips.new_empty(clips_, 9, dtype=torch.float64), clips.new_empty(clips_, 9, 9, dtype=torch.float64)
    results = [each.numpy().reshape(-1) for each in (sums, products)]
    size = 4 * (height + 2) * -(-width // WIDTH) * WIDTH
    over(
        clips_,
        clips.numel() * 9,
        1,
        lambda first, last: moments(x, (height, width), *results, np.empty(size), first, last),
    )
    return sums.sum(dim=0), products.sum(dim=0)


def _statistics(sums: Tensor, products: Tensor, weight: Tensor, count: int) -> Statistics:
    taps = weight.double().view(len(weight), -1)
    means = sums / count
    covariance = products / count - torch.outer(means, means)
    return Statistics(taps @ means, ((taps @ covariance) * taps).sum(dim=1).clamp_min(0.0), count)


def _chosen(clips: Tensor, weight: Tensor, affine: Tensor, *, kept: bool) -> tuple[Tensor, Tensor]:
    """The block's output (B, 64, H // 2, W // 2), and which of each 2x2 it is, channels last, in bytes."""
    from randquant.kernels.compiled.convolution.single import single_forward

    clips_, height, width = clips.shape
    out = torch.empty(clips_, len(weight), height // 2, width // 2, memory_format=torch.channels_last)
    slots = torch.empty(out.numel() if kept else 0, dtype=torch.uint8)
    sign, scale, shift = affine
    # Where a scale is negative the lowest output is chosen, so the sign goes to the taps; so does 0, the first of all.
    taps = (weight.view(len(weight), -1).T * sign).contiguous()
    x, w, numbers = (each.numpy().reshape(-1) for each in (clips, taps, torch.stack([scale.abs(), shift])))
    results = [each.numpy().reshape(-1) for each in (slots, out.permute(0, 2, 3, 1))]
    size = (height + 2) * (width + 2)

    def work(first: int, last: int) -> None:
        single_forward(x, (height, width), w, numbers, kept, *results, np.empty(size, np.float32), first, last)

    over(clips_, out.numel(), 1, work)
    return out, slots


def _passed_sums(clips: Tensor, out: Tensor, slots: Tensor, upstream: Tensor) -> Tensor:
    """(10, 64) float64: of what ReLU lets through, the sums times each tap of the chosen patches, and alone."""
    from randquant.kernels.compiled.convolution.single import single_backward

    clips_, height, width = clips.shape
    sums = clips.new_empty(clips_, 10, out.shape[1])
    maps = [each.permute(0, 2, 3, 1).contiguous() for each in (out, upstream)]
    x, chosen, passed, gradients, found = (each.numpy().reshape(-1) for each in (clips, slots, *maps, sums))
    size = (height + 2) * (width + 2)

    def work(first: int, last: int) -> None:
        scratch = np.empty(size, np.float32)
        single_backward(x, (height, width), chosen, passed, gradients, found, scratch, first, last)

    over(clips_, out.numel(), 1, work)
    return sums.sum(dim=0, dtype=torch.float64)
