"""Blocks of four modules by compiled code.

Whoever asks has the plain form too, which is all there is without numba.
"""

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from randquant.kernels.chosen import kernel_for

CHANNELS = 64  # of every output, and of every input but the first


class ConvBlock(NamedTuple):
    """The modules of a block, in order."""

    convolution: nn.Conv2d
    norm: nn.BatchNorm2d
    pooling: nn.MaxPool2d
    relu: nn.ReLU


def takes(x: Tensor, block: ConvBlock) -> bool:
    """Whether compiled code computes this block on these maps: in single precision on a CPU that has numba.

    The plain form serves gradients of a block in inference mode and those of the first block's input; modules of other
    kinds or with hooks; autocast, compilation, export and transforms of functions.

    Args:
        x: (B, 1 or 64, H, W).
        block: whose modules have the settings of an AudioNTT's.
    """
    if x.device.type != "cpu" or x.ndim != 4 or not x.numel() or min(x.shape[2:]) < 2:
        return False
    if torch.compiler.is_compiling() or torch.compiler.is_exporting() or torch.is_autocast_enabled("cpu"):
        return False
    if not _known(block) or x.shape[1] != block.convolution.in_channels or not _differentiable(x, block):
        return False
    tensors = (x, *block.convolution.parameters(), *block.norm.parameters(), *block.norm.buffers())
    if any(each.dtype != torch.float32 or each.device.type != "cpu" for each in tensors if each.is_floating_point()):
        return False
    return all(kernel_for(each, 2, gradient=False) is not None for each in tensors[:-1]) and _multiplies_and_adds()


def _known(block: ConvBlock) -> bool:
    convolution, norm, pooling, _ = block
    kinds = nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ReLU
    if any(type(part) is not kind or _hooked(part) for part, kind in zip(block, kinds, strict=True)):
        return False
    return (
        convolution.in_channels in (1, CHANNELS)
        and convolution.out_channels == CHANNELS
        and _settings(convolution, "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
        == [(3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros"]
        and norm.affine
        and norm.running_mean is not None
        and _settings(pooling, "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
        == [2, 2, 0, 1, False, False]
    )


def _settings(module: nn.Module, *names: str) -> list[Any]:
    return [getattr(module, name) for name in names]


def _hooked(module: nn.Module) -> bool:
    """Whether somebody listens to the module, or has replaced its parameters."""
    hooks = (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
        getattr(module, "parametrizations", {}),
    )
    return any(map(len, hooks)) or "forward" in vars(module) or _has_any_global_hook()


def _differentiable(x: Tensor, block: ConvBlock) -> bool:
    """Whether compiled code has the gradients that are asked for."""
    if not gradients_asked(x, block):
        return True
    return block.norm.training and not (block.convolution.in_channels == 1 and x.requires_grad)


def gradients_asked(x: Tensor, block: ConvBlock) -> bool:
    """Whether autograd is to go through the block."""
    needed = (x, *block.convolution.parameters(), *block.norm.parameters())
    return torch.is_grad_enabled() and any(each.requires_grad for each in needed)


@cache
def _multiplies_and_adds() -> bool:
    """Whether the processor does both at once; those from before 2013 would take a hundred times as long."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return "x86" not in binding.get_process_triple() or bool(features.get("fma", False))


def conv_block(x: Tensor, block: ConvBlock) -> Tensor:
    """The output (B, 64, H // 2, W // 2) of a block that `takes` x, channels last in memory.

    In training mode running statistics are updated. A bias of the convolution, which batch norm takes away again, gets
    a gradient of exactly 0.
    """
    if block.convolution.in_channels == 1:
        from randquant.kernels.conv_blocks.single_channel import single_channel_block

        return single_channel_block(x, block, kept=gradients_asked(x, block))
    from randquant.kernels.conv_blocks.many_channels import many_channels_block

    return many_channels_block(x, block, kept=gradients_asked(x, block))
