"""Values of all processes of a data-parallel training."""

import torch
from torch import Tensor


def gathered(values: Tensor, *, gradient: bool = True, own_first: bool = True) -> Tensor:
    """The values (B, ...) of all processes, this process's own first or in their order; the values when alone."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    if gradient:
        from torch.distributed.nn.functional import all_gather

        parts = list(all_gather(values))
    else:
        parts = [torch.empty_like(values) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, values.contiguous())
    if not own_first:
        return torch.cat(parts)
    own = parts.pop(torch.distributed.get_rank())
    return torch.cat([own, *parts])
