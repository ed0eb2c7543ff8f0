"""Which kernel quantizes a tensor; where there is none, the plain form does, by PyTorch's own operations.

A kernel is a module with the functions of `Kernel`, so that one for another kind of device is a line in `_KERNELS`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Protocol, cast

import torch
from torch import Tensor
from torch.autograd import forward_ad

# By type of device; imported when the first tensor of that device comes.
_KERNELS = {"cpu": "randquant.kernels.cpu", "cuda": "randquant.kernels.cuda"}
_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)


class Kernel(Protocol):
    """What quantizes on one kind of device.

    Rows are the channels that have a quantizer of their own. The result has the dtype and device of the entries, and
    the plain form's bits: entries that are not finite, not counted or in a row that is not applied pass through.

    The arguments of both functions:
        cuts: (rows, K - 1) fractions of the row's range, float64 for float64 entries, else float32; infinite ones are
            not used. Ascending, unless `drawn`.
        values: (rows, K) in the same dtype, ascending fractions of the row's range, NaN for the constant zero; with
            `drawn`, each bin's share: 0 is the lower end of the bin, 1 the upper.
        counted: bool as the entries, or None where all count; strides of 0 are common.
        applied: (rows,) bool, or None where every row is quantized.
        drawn: cuts and shares are as the generator gave them. Never asked for where K exceeds `most_drawn()`.
    """

    def takes(self, dtype: torch.dtype, bins: int) -> bool:
        """Whether it can: its library is there, the dtype and the number of bins suit it."""

    def most_drawn(self) -> int:
        """The most bins for which it takes `drawn`; 0 where it never does."""

    def quantize(
        self,
        entries: Tensor,
        cuts: Tensor,
        values: Tensor,
        counted: Tensor | None,
        applied: Tensor | None,
        *,
        drawn: bool,
    ) -> Tensor:
        """Of the entries (A, L, C) of any strides, row a * C + c being entries[a, :, c]: either the same shape in any
        strides, or (A * C, L) contiguous."""

    def quantize_packed(
        self,
        entries: Tensor,
        offsets: Tensor,
        cuts: Tensor,
        values: Tensor,
        counted: Tensor | None,
        applied: Tensor | None,
        *,
        drawn: bool,
    ) -> Tensor:
        """(N, C) of any strides, from entries (N, C) of any strides; row s * C + c is column c of cloud s, which begins
        at offsets[s], of (S + 1,) int32 or int64."""


def kernel_for(x: Tensor, bins: int, gradient: bool) -> Kernel | None:
    """The kernel that quantizes x; None for the plain form.

    Args:
        x: floating-point tensor on any device.
        bins: K, the most of any sample.
        gradient: whether the extremes of x receive a gradient, which only the plain form gives.
    """
    if torch.compiler.is_compiling():
        return None if gradient or x.device.type != "cuda" else _compiled(x.dtype, bins)
    if gradient or _PLAIN.get() or x.device.type not in _KERNELS or not _ordinary(x):
        return None
    kernel = cast(Kernel, import_module(_KERNELS[x.device.type]))
    return kernel if kernel.takes(x.dtype, bins) else None


def _compiled(dtype: torch.dtype, bins: int) -> Kernel | None:
    """The GPU's kernel as one operation of a compiled graph."""
    from randquant.kernels import operations

    return operations if operations.takes(dtype, bins) else None


@contextmanager
def plain_form() -> Iterator[None]:
    """Inside the block nothing is quantized by a kernel: what kernels are tested and timed against."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def _ordinary(x: Tensor) -> bool:
    """Whether x is its memory and nothing else: not traced, not watched, not one of many in one."""
    return (
        x.layout is torch.strided
        and type(x).__torch_dispatch__ is Tensor.__torch_dispatch__
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)
        and torch._C._len_torch_dispatch_stack() == 0
        and not torch.jit.is_tracing()
        and forward_ad._current_level < 0
    )
