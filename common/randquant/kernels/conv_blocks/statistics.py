"""Batch norm's numbers, (64,) float64: what is applied to a channel, and what is remembered of it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Statistics:
    """Mean and biased variance of the convolution without its bias, over `count` outputs a channel."""

    mean: Tensor
    variance: Tensor
    count: int

    def inverse_deviation(self, epsilon: float) -> Tensor:
        """1 / sqrt(variance + epsilon)."""
        return (self.variance + epsilon).rsqrt()


def statistics(total: Tensor, squares: Tensor, count: int) -> Statistics:
    """From the sums of outputs and of their squares."""
    mean = total / count
    return Statistics(mean, (squares / count - mean * mean).clamp_min(0.0), count)


def affine(scale: Tensor, shift: Tensor) -> Tensor:
    """(3, 64) float32: sign, scale and shift of every channel; where the sign is 0, the first output is chosen."""
    return torch.stack([scale.sign(), scale, shift]).float()


def batch_affine(found: Statistics, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """`affine` for a batch's own statistics."""
    scale = weight.double() * found.inverse_deviation(epsilon)
    return affine(scale, bias.double() - found.mean * scale)


def running_affine(norm: nn.BatchNorm2d, convolution: nn.Conv2d) -> Tensor:
    """`affine` for the running statistics."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
    offset = norm.running_mean.double() - (0.0 if convolution.bias is None else convolution.bias.double())
    return affine(scale, norm.bias.double() - offset * scale)


@torch.no_grad()
def remember(found: Statistics, norm: nn.BatchNorm2d, convolution: nn.Conv2d) -> None:
    """Update running statistics as `nn.BatchNorm2d` does."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    share = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    mean = found.mean if convolution.bias is None else found.mean + convolution.bias.double()
    unbiased = found.variance * (found.count / (found.count - 1))
    norm.running_mean.mul_(1.0 - share).add_(mean.float(), alpha=share)
    norm.running_var.mul_(1.0 - share).add_(unbiased.float(), alpha=share)
