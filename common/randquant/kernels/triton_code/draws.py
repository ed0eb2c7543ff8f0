# mypy: ignore-errors
"""Draws as a generator gives them, put in order."""

import triton
import triton.language as tl


@triton.jit
def arrange(cuts, shares, edges, values, rows, bins, BINS: tl.constexpr, ROWS: tl.constexpr):
    """Draws as `Kernel.drawn` has them, as ascending fractions of cuts (rows, K - 1) and of values (rows, K)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    at = tl.arange(0, BINS)[None, :]
    there = row < rows
    cut = tl.sort(tl.load(cuts + row * (bins - 1) + at, mask=there & (at < bins - 1), other=float("inf")), 1)
    own = edges + row * (bins - 1)
    tl.store(own + at, cut, mask=there & (at < bins - 1))
    tl.debug_barrier()
    below = tl.load(own + at - 1, mask=there & (at > 0) & (at < bins), other=0.0)
    low, high = tl.minimum(below, 1.0), tl.minimum(cut, 1.0)
    share = tl.load(shares + row * bins + at, mask=there & (at < bins), other=0.0)
    tl.store(values + row * bins + at, low + share * (high - low), mask=there & (at < bins))
