"""Packed batches: the rows (ΣN, ...) of many clouds one after the other, `offsets` (S + 1,) says where each begins."""

import torch
from torch import Tensor


def cloud_of_row(offsets: Tensor, rows: int) -> Tensor:
    """(rows,) int64: the number of the cloud that each packed row belongs to, found on the device."""
    at = torch.arange(rows, device=offsets.device, dtype=offsets.dtype)
    return torch.searchsorted(offsets[1:].contiguous(), at, right=True).clamp(max=offsets.shape[0] - 2)
