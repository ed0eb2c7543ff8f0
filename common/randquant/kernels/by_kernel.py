"""Tensors of any layout as the rows that a kernel takes, and back."""

from math import prod
from typing import Any

import torch
from torch import Tensor

from randquant.kernels.chosen import Kernel


def by_kernel(
    kernel: Kernel,
    x: Tensor,
    bins: tuple[Tensor, Tensor, Tensor | None],
    counted: Tensor | None,
    dims: tuple[int, ...],
    offsets: Tensor | None,
    *,
    drawn: bool,
) -> Tensor:
    """Quantize x, which needs no gradient or passes it straight through.

    Args:
        kernel: that does it.
        x: of at least one entry.
        bins: cuts (channels..., K - 1) and values (channels..., K), see `Kernel`; which samples (samples,) or () are
            quantized, None for all.
        counted: bool that broadcasts to x, or None.
        dims: that share a quantizer, ascending.
        offsets: of a packed batch.
        drawn: see `Kernel`.
    """
    cuts, values, apply = bins
    rows = cuts.shape[:-1].numel()
    cuts, values = cuts.reshape(rows, -1), values.reshape(rows, -1)
    applied = None if apply is None else apply.reshape(-1, 1).expand(-1, rows // apply.numel()).reshape(rows)
    bare, counted = x.detach(), None if counted is None else counted.expand_as(x)
    if offsets is None:
        seen = None if counted is None else _three(counted, dims)
        quantized = _back(kernel.quantize(_three(bare, dims), cuts, values, seen, applied, drawn=drawn), x, dims)
    else:
        seen = None if counted is None else counted.reshape(len(x), -1)
        flat = kernel.quantize_packed(bare.reshape(len(x), -1), offsets, cuts, values, seen, applied, drawn=drawn)
        quantized = flat.view(x.shape)
    return _StraightThrough.apply(x, quantized) if x.requires_grad and torch.is_grad_enabled() else quantized


def _three(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """(A, L, C), with the dimensions that share a quantizer as L: a view of x where its strides allow it."""
    if _beside_one_another(dims):
        parts = x.shape[: dims[0]], x.shape[dims[0] : dims[-1] + 1], x.shape[dims[-1] + 1 :]
        return x.reshape([prod(part) for part in parts])
    return x.permute(_order(x, dims)).reshape(-1, prod([x.shape[axis] for axis in dims]), 1)


def _back(quantized: Tensor, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """A kernel's (A, L, C), or (A * C, L), in the shape of x."""
    beside = _beside_one_another(dims)
    if quantized.ndim == 2:
        columns = prod(x.shape[dims[-1] + 1 :]) if beside else 1
        quantized = quantized.view(-1, columns, quantized.shape[1]).transpose(1, 2)
    if beside:
        return quantized.view(x.shape)
    order = _order(x, dims)
    return quantized.view([x.shape[axis] for axis in order]).permute([order.index(axis) for axis in range(x.ndim)])


def _beside_one_another(dims: tuple[int, ...]) -> bool:
    return dims[-1] - dims[0] == len(dims) - 1


def _order(x: Tensor, dims: tuple[int, ...]) -> list[int]:
    """The axes, those that share a quantizer last."""
    return [*(axis for axis in range(x.ndim) if axis not in dims), *dims]


class _StraightThrough(torch.autograd.Function):
    """The second tensor, with the gradient of the first."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, quantized: Tensor) -> Tensor:
        return quantized.view_as(quantized)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None
