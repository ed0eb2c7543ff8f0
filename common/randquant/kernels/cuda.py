"""Randomized quantization on a GPU: the layout and the launch of the Triton kernels."""

import functools
import importlib.util
import warnings
from typing import NamedTuple

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
FEW_BINS = 32  # up to here a comparison a cut beats a search
WHOLE = 16_384  # entries of a tile that stays in registers
PART = 8_192  # entries of a part of a longer row
PER_THREAD = 32  # entries
LEAD = 8 * 2**20  # bytes between the range of a part and its replacement: much less than the L2 cache


class Tile(NamedTuple):
    """Entries that a program works on at a time."""

    rows: int
    segments: int
    width: int

    @property
    def entries(self) -> int:
        """Of all rows."""
        return self.rows * self.segments * self.width

    def warps(self) -> int:
        """That work on it, a power of two."""
        return max(1, min(16, self.entries // (32 * PER_THREAD)))


def takes(dtype: torch.dtype, bins: int) -> bool:
    """Whether it can."""
    return dtype in DTYPES and _runs()


def most_drawn() -> int:
    """The most bins for which it sorts a draw itself."""
    return 0


@functools.cache
def _runs() -> bool:
    """Whether Triton is there and builds a kernel, for which it needs a C compiler."""
    if importlib.util.find_spec("triton") is None:
        return False
    try:
        one = torch.zeros(1, 1, 1, device="cuda")
        quantize(one, one.new_zeros(1, 1), one.new_zeros(1, 2), None, None, drawn=False)
    except Exception as error:
        warnings.warn(
            f"Triton cannot build its kernels here, so randomized quantization runs on the GPU without them, several "
            f"times slower: {type(error).__name__}: {error}",
            stacklevel=2,
        )
        return False
    return True


def quantize(
    entries: Tensor, cuts: Tensor, values: Tensor, counted: Tensor | None, applied: Tensor | None, *, drawn: bool
) -> Tensor:
    """See `Kernel`."""
    out = torch.empty_like(entries)
    # Rows of lone columns stand beside one another, and a program takes several.
    order = (2, 0, 1) if entries.shape[2] == 1 else (0, 2, 1)
    seen = None if counted is None else counted.permute(order)
    with torch.cuda.device_of(entries):
        _launch(entries.permute(order), out.permute(order), seen, cuts, values, applied)
    return out


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
    out = torch.empty_like(entries)
    seen = None if counted is None else counted.T[None]
    with torch.cuda.device_of(entries):
        _launch(entries.T[None], out.T[None], seen, cuts, values, applied, offsets)
    return out


def _launch(
    x: Tensor,
    out: Tensor,
    counted: Tensor | None,
    edges: Tensor,
    values: Tensor,
    applied: Tensor | None,
    offsets: Tensor | None = None,
) -> None:
    """Quantize x (outer, inner, along) into `out`; the packed clouds of (1, inner, along) are its outer rows."""
    from randquant.kernels import triton_kernels

    inner, along = x.shape[1:]
    clouds = len(x) if offsets is None else len(offsets) - 1
    length = along if offsets is None else -(-along // clouds)
    tile = tile_of(x, length)
    whole = offsets is None and tile.segments * tile.width >= length
    tile = tile if whole else part_of(tile)
    bins, searched = values.shape[1], values.shape[1] > FEW_BINS
    flags = None if counted is None else counted.view(torch.uint8)
    applied = None if applied is None else applied.contiguous().view(torch.uint8)
    table = None if whole and not searched else x.new_empty((clouds * inner * 2 * bins,), dtype=torch.float32)
    tensors = (x, out, edges.contiguous(), values.contiguous(), applied, flags, table)
    strides = [*x.stride(), *out.stride(), *((0, 0, 0) if flags is None else flags.stride())]
    constants = {
        "BINS": 1 << (bins - 1).bit_length(),
        "STEPS": (bins - 1).bit_length() if searched else 0,
        "ROWS": tile.rows,
        "SEGMENTS": tile.segments,
        "WIDTH": tile.width,
        "WIDE": any(_span(each) >= 2**31 for each in (x, out)),
        "HAS_APPLIED": applied is not None,
        "HAS_COUNTED": flags is not None,
        "num_warps": tile.warps(),
        "num_stages": 1,
        "enable_fp_fusion": False,  # a * b + c rounds twice, as in the plain form
    }
    groups = clouds * -(-inner // tile.rows)
    if whole:
        triton_kernels.quantize_whole[(groups,)](*tensors, bins, inner, length, *strides, **constants)
        return
    splits = -(-length // (tile.segments * tile.width))
    items = groups * splits
    lead = min(items, max(splits, LEAD // (tile.entries * x.element_size())))
    state = torch.zeros(1 + 2 * groups + 2 * clouds * inner, dtype=torch.int32, device=x.device)
    sizes = (bins, inner, length, groups, splits, lead)
    triton_kernels.quantize_split[(2 * items,)](
        *tensors, state, offsets, *sizes, *strides, PACKED=offsets is not None, **constants
    )


def tile_of(x: Tensor, length: int) -> Tile:
    """Whole rows of x (outer, inner, along), unless they are too long."""
    inner, padded = _power(x.shape[1]), _power(length)
    if x.stride(1) < x.stride(2):  # columns: several side by side, for memory comes in pieces of 32 bytes
        rows = min(inner, max(32 // x.element_size(), 4096 // padded))
        return Tile(rows, 1, min(padded, WHOLE // rows))
    rows = max(1, min(inner, 4096 // padded))
    beside = 8 if rows > 1 else 512  # threads along a row; each reads 16 bytes
    width = min(padded, beside * 16 // x.element_size())
    return Tile(rows, min(padded, WHOLE) // width, width)


def part_of(tile: Tile) -> Tile:
    """A tile of parts of rows that are too long."""
    width = max(1, min(tile.width, PART // tile.rows))
    return Tile(tile.rows, max(1, min(tile.segments, PART // (tile.rows * width))), width)


def _power(number: int) -> int:
    """The next power of two, at least 1."""
    return 1 << max(number - 1, 0).bit_length()


def _span(x: Tensor) -> int:
    """The farthest that two entries of one outer index lie apart."""
    return sum((size - 1) * stride for size, stride in zip(x.shape[1:], x.stride()[1:], strict=True))
