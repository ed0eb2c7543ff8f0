"""Randomized quantization on a CPU."""

import torch
from torch import Tensor


def takes(dtype: torch.dtype, bins: int) -> bool:
    """Whether it can."""
    return False


def most_drawn() -> int:
    """The most bins for which it sorts a draw itself."""
    return 0


def quantize(
    entries: Tensor, cuts: Tensor, values: Tensor, counted: Tensor | None, applied: Tensor | None, *, drawn: bool
) -> Tensor:
    """See `Kernel`."""
    raise NotImplementedError


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
    raise NotImplementedError
