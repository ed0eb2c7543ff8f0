"""Who is in a neighbourhood, on a CPU, by code that numba compiles.

Whoever asks has the plain form too, which is all there is without numba.
"""

import numpy as np
import torch
from torch import Tensor

from randquant.kernels.chosen import kernel_for
from randquant.kernels.threads import over


def takes(x: Tensor) -> bool:
    """Whether compiled code computes with this tensor: numbers in single precision on a CPU that has numba."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or not x.numel():
        return False
    return not torch.compiler.is_exporting() and kernel_for(x, 2, gradient=False) is not None


def smallest(distances: Tensor, k: int, *, as_topk: bool) -> Tensor:
    """(..., k) int64 places of the k smallest of each row (..., N), in order; of equal ones the first.

    Args:
        distances: (..., N) float32.
        k: 1 to N.
        as_topk: rows where equal ones stand among the first k + 1 get the order that `torch.topk` gives them. It always
            serves rows with fewer than k + 1 numbers below infinity.
    """
    from randquant.kernels.compiled import neighbours as compiled

    rows = distances.detach().reshape(-1, distances.shape[-1])
    found, doubt = torch.empty(len(rows), k, dtype=torch.int64), torch.empty(len(rows), dtype=torch.uint8)
    arguments = rows.numpy(), k, found.numpy(), doubt.numpy()
    over(len(rows), rows.numel(), 1, lambda first, last: compiled.smallest(*arguments, first, last))
    open_ = (doubt != compiled.DECIDED if as_topk else doubt == compiled.MISSING).nonzero()[:, 0]
    if len(open_):
        found[open_] = rows[open_].topk(k, dim=-1, largest=False).indices
    return found.view(*distances.shape[:-1], k)


def in_ball(distances: Tensor, limit: float, k: int) -> Tensor:
    """(..., k) int64 places of the first k of each row (..., N) not above the limit, filled up with the smallest."""
    from randquant.kernels.compiled.neighbours import in_ball as compiled

    rows = distances.detach().reshape(-1, distances.shape[-1])
    found = torch.empty(len(rows), k, dtype=torch.int64)
    x, out, most = rows.numpy(), found.numpy(), np.float32(limit)
    over(len(rows), rows.numel(), 1, lambda first, last: compiled(x, most, k, out, first, last))
    return found.view(*distances.shape[:-1], k)
