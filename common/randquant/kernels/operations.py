"""The GPU's kernel as operations that `torch.compile` takes as they are, without a break in its graph."""

import torch
from torch import Tensor

from randquant.kernels import cuda

most_drawn = cuda.most_drawn


def takes(dtype: torch.dtype, bins: int) -> bool:
    """Whether it can; that Triton is there is granted, since compiling for a GPU needs it."""
    return dtype in cuda.DTYPES


@torch.library.custom_op("randquant::quantize", mutates_args=())
def _quantize(
    entries: Tensor, cuts: Tensor, values: Tensor, counted: Tensor | None, applied: Tensor | None, drawn: bool
) -> Tensor:
    return cuda.quantize(entries, cuts, values, counted, applied, drawn=drawn)


@torch.library.custom_op("randquant::quantize_packed", mutates_args=())
def _quantize_packed(
    entries: Tensor,
    offsets: Tensor,
    cuts: Tensor,
    values: Tensor,
    counted: Tensor | None,
    applied: Tensor | None,
    drawn: bool,
) -> Tensor:
    return cuda.quantize_packed(entries, offsets, cuts, values, counted, applied, drawn=drawn)


@_quantize.register_fake
def _quantize_fake(entries: Tensor, *_: object) -> Tensor:
    return torch.empty_like(entries)


@_quantize_packed.register_fake
def _quantize_packed_fake(entries: Tensor, *_: object) -> Tensor:
    return torch.empty_like(entries)


def quantize(
    entries: Tensor, cuts: Tensor, values: Tensor, counted: Tensor | None, applied: Tensor | None, *, drawn: bool
) -> Tensor:
    """See `Kernel`."""
    return _quantize(entries, cuts, values, counted, applied, drawn)


def quantize_packed(
    entries: Tensor,
    offsets: Tensor,
    cuts: Tensor,
    values: Tensor,
    counted: Tensor | None,
    applied: Tensor | None,
    *,
    drawn: bool,
) -> Tensor:
    """See `Kernel`."""
    return _quantize_packed(entries, offsets, cuts, values, counted, applied, drawn)
