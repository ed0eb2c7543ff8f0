"""Which bin each entry of a row lies in."""

import torch
from torch import Tensor

FEW_BINS = 64  # up to here counting cuts beats a binary search on a CPU


def look_up(cuts: Tensor, values: Tensor, entries: Tensor) -> Tensor:
    """Replace each entry (rows, L) by the value (rows, K) of its bin; a cut belongs to the bin above it."""
    entries = entries.detach().contiguous()
    if entries.device.type != "cpu" or cuts.shape[1] >= FEW_BINS:
        return values.gather(1, torch.searchsorted(cuts, entries, right=True))
    # Counting the cuts below each entry is vectorised on a CPU; the search is not.
    index = torch.zeros(entries.shape, dtype=torch.uint8)
    for cut in cuts.split(1, dim=1):
        at_or_above = entries >= cut
        # Reinterpreting saves an eager pass over the entries; the inductor compiler cannot reinterpret a bool.
        index += at_or_above.to(torch.uint8) if torch.compiler.is_compiling() else at_or_above.view(torch.uint8)
    return values.gather(1, index.long())


def search_rows(cuts: Tensor, row: Tensor, entries: Tensor) -> Tensor:
    """How many cuts of its row are <= each entry: `searchsorted(right=True)` with a row of its own for every entry."""
    width = cuts.shape[1]
    flat = cuts.reshape(-1)
    found = torch.zeros_like(row)
    step = 1 << max(width.bit_length() - 1, 0)
    while step:
        candidate = found + step
        cut = flat[row * width + (candidate - 1).clamp(max=width - 1)]
        found = torch.where((candidate <= width) & (cut <= entries), candidate, found)
        step >>= 1
    return found
