"""Randomized quantization on a CPU, by code that numba compiles: see `Kernel` for what its functions take.

Compiled are float32 and float64; float16 and bfloat16 go through float32. Without numba there is no kernel.
"""

import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randquant.extras import names_extra
from randquant.kernels.sorting_network import MOST_SORTED, network
from randquant.kernels.threads import over

# Negative values up to this size become 0 in the entries' own dtype, where the plain form leaves no sign.
_VANISHING = {torch.float16: 2.0**-25, torch.bfloat16: 2.0**-134}


def takes(dtype: torch.dtype, bins: int) -> bool:
    """Whether numba is there and compiles for this dtype, which it does when first asked."""
    return _compiles(torch.float64 if dtype == torch.float64 else torch.float32)


def most_drawn() -> int:
    """The most bins for which cuts are sorted here."""
    return MOST_SORTED


def quantize(
    entries: Tensor, cuts: Tensor, values: Tensor, counted: Tensor | None, applied: Tensor | None, *, drawn: bool
) -> Tensor:
    """(A * C, L) from (A, L, C)."""
    groups, length, columns = entries.shape
    out = torch.empty((groups * columns, length), dtype=cuts.dtype)
    bins = _bins(cuts, values, applied, entries.dtype, drawn)
    _fill(out, entries.to(cuts.dtype), counted, np.empty(0, np.int64), bins)
    return out.to(entries.dtype)


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
    """(N, C) from (N, C)."""
    out = torch.empty(entries.shape, dtype=cuts.dtype)
    bounds = offsets.numpy().astype(np.int64).clip(0, len(entries))
    bounds[0], bounds[-1] = 0, len(entries)
    bins = _bins(cuts, values, applied, entries.dtype, drawn)
    _fill(out, entries.to(cuts.dtype)[None], None if counted is None else counted[None], bounds, bins)
    return out.to(entries.dtype)


def _bins(cuts: Tensor, values: Tensor, applied: Tensor | None, dtype: torch.dtype, drawn: bool) -> tuple[Any, ...]:
    """As `quantize_rows` takes them, from `cuts` to `numbers`."""
    most, flat = values.shape[1], [np.ascontiguousarray(each.numpy()).reshape(-1) for each in (cuts, values)]
    every = np.empty(0, np.bool_) if applied is None else np.ascontiguousarray(applied.numpy())
    numbers = tuple(flat[0].dtype.type(number) for number in (1.0, np.inf, _VANISHING.get(dtype, 0.0)))
    return (*flat, most, network(most - 1 if drawn else 0), drawn, every, numbers)


def _fill(out: Tensor, entries: Tensor, counted: Tensor | None, bounds: np.ndarray, bins: tuple[Any, ...]) -> None:
    """Quantize entries (A, L, C), or the clouds between bounds in (1, N, C)."""
    from randquant.kernels.compiled.layout import scratch_size, truths_size
    from randquant.kernels.compiled.quantize_rows import ALIGNED, quantize_rows

    groups, length, columns = entries.shape
    rows = (len(bounds) - 1 if len(bounds) else groups) * columns
    entries = entries.resolve_neg()
    steps, counted_steps = entries.stride(), (0, 0, 0) if counted is None else counted.stride()
    x = _reached(entries)
    truths = np.empty(0, np.uint8) if counted is None else _reached(counted.view(torch.uint8))
    arguments = (x, truths, bounds, steps, counted_steps, (length, columns), *bins, out.numpy().reshape(-1))
    numbers = scratch_size(bins[2], steps[1] != 1)
    bytes_ = truths_size(counted is not None and counted_steps[1] != 1)

    def work(first: int, last: int) -> None:
        quantize_rows(*arguments, np.empty(numbers, x.dtype), np.empty(bytes_, np.uint8), first, last)

    over(rows, entries.numel(), ALIGNED, work)


def _reached(x: Tensor) -> np.ndarray:
    """1-D: all memory from the first entry of x to its last."""
    reach = 1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))
    return x.as_strided((reach,), (1,)).numpy()


@cache
def _compiles(dtype: torch.dtype) -> bool:
    x, cuts, values = torch.zeros(1, 2, 1, dtype=dtype), torch.zeros(1, 1, dtype=dtype), torch.zeros(1, 2, dtype=dtype)
    try:
        quantize(x, cuts, values, None, None, drawn=True)
    except Exception as error:  # whatever a compiler of another version, or for another machine, may find
        if not names_extra(error):
            said = " ".join(str(error).split())[:200]
            warnings.warn(f"numba compiles nothing here ({said}); quantization is slower.", stacklevel=2)
        return False
    return True
