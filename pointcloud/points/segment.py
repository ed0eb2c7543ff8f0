"""Reductions over the clouds of a packed batch: rows (ΣN, C) whose clouds lie one after the other.

`offsets` (S + 1,) int64 says where each of the S clouds begins; it starts with 0, ascends and ends with ΣN. It is not
checked, which would wait for the device. An empty cloud reduces to 0 in every backend.

| backend | maximum | gradient of a maximum that several rows reach |
|---|---|---|
| `torch_scatter` | `segment_csr` | all to one of them |
| `native` | `torch.segment_reduce` | in equal parts |
| `scatter` | `scatter_reduce`, sums by `index_add` | in equal parts |

Randomized quantization makes such ties the rule, and either is a subgradient: the parts always add up to what came in.
torch-scatter is the fastest for maxima with gradients. It drops a NaN from a maximum where the others return it, so
what should show a diverged training is better asked of another backend.
"""

from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor

from randquant.packed import PackedBatch, cloud_of_row

Backend = Literal["torch_scatter", "native", "scatter"]
Reduction = Literal["max", "mean", "sum"]


def segment_reduce(rows: Tensor, offsets: Tensor, reduction: Reduction, *, backend: Backend | None = None) -> Tensor:
    """Reduce every cloud to one row.

    Args:
        rows: (ΣN, C) floating point.
        offsets: (S + 1,) int64 on the device of rows.
        reduction: max, mean or sum.
        backend: None takes torch_scatter where it can be loaded and native elsewhere; on a CPU, scatter for sums and
            means, which is the fastest there (on a GPU it would add in another order every time).

    Returns:
        (S, C), zeros for empty clouds.

    Raises:
        ValueError: shapes, a reduction or a backend that do not exist.
        ImportError: torch_scatter is asked for and cannot be loaded.
    """
    if rows.ndim != 2 or offsets.ndim != 1 or offsets.dtype != torch.int64 or len(offsets) < 1:
        raise ValueError(
            "expected rows (ΣN, C) and int64 offsets (S + 1,), "
            f"got {tuple(rows.shape)} and {offsets.dtype} {tuple(offsets.shape)}."
        )
    if reduction not in get_args(Reduction):
        raise ValueError(f"reduction should be max, mean or sum, got {reduction!r}.")
    if backend is None:
        backend = _usual_backend(rows, reduction)
    if backend == "torch_scatter":
        return _by_torch_scatter(rows, offsets, reduction)
    if backend == "native":
        return _by_segment_reduce(rows, offsets, reduction)
    if backend == "scatter":
        return _by_scatter_reduce(rows, offsets, reduction)
    raise ValueError(f"backend should be one of {', '.join(get_args(Backend))}, got {backend!r}.")


def _usual_backend(rows: Tensor, reduction: Reduction) -> Backend:
    if reduction != "max" and rows.device.type == "cpu":
        return "scatter"
    return "torch_scatter" if torch_scatter_there() else "native"


def lowest(values: Tensor, clouds: PackedBatch, rank: Tensor) -> Tensor:
    """The value (S,) of a rank (S,) int64, from 0, in every cloud, of values (ΣN,) by point."""
    order = values.argsort(stable=True)
    order = order[clouds.cloud[order].argsort(stable=True)]
    return values[order[clouds.offsets[:-1] + rank]]


def _by_torch_scatter(rows: Tensor, offsets: Tensor, reduction: Reduction) -> Tensor:
    segment_csr = _torch_scatter()
    if segment_csr is None:
        raise ImportError("torch-scatter is missing or built for another torch; run make scatter, or use native.")
    return segment_csr(rows, offsets, reduce=reduction)


def _by_segment_reduce(rows: Tensor, offsets: Tensor, reduction: Reduction) -> Tensor:
    # Half precision is not implemented; the unsafe form skips a check of the offsets that waits for the device.
    wide = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    reduced = torch.segment_reduce(wide, reduction, offsets=offsets, axis=0, unsafe=True)
    return torch.where(_empty(offsets), 0.0, reduced).to(rows.dtype)


def _by_scatter_reduce(rows: Tensor, offsets: Tensor, reduction: Reduction) -> Tensor:
    index = cloud_of_row(offsets, len(rows))
    shape = (len(offsets) - 1, rows.shape[1])
    if reduction == "max":
        # From -inf: a start of 0 would tie with rows of 0 and take a part of their gradient, counted or not.
        start = rows.new_full(shape, -torch.inf)
        highest = start.scatter_reduce(0, index[:, None].expand_as(rows), rows, "amax")
        return torch.where(_empty(offsets), 0.0, highest)
    total = rows.new_zeros(shape).index_add(0, index, rows)
    return total if reduction == "sum" else total / offsets.diff().clamp(min=1)[:, None]


def _empty(offsets: Tensor) -> Tensor:
    return (offsets.diff() == 0)[:, None]


def torch_scatter_there() -> bool:
    """Whether torch-scatter can be loaded."""
    return _torch_scatter() is not None


@cache
def _torch_scatter() -> Callable[..., Tensor] | None:
    """`segment_csr`, None where torch-scatter is missing or was built for another torch (an OSError)."""
    try:
        from torch_scatter import segment_csr
    except (ImportError, OSError):
        return None
    return segment_csr
