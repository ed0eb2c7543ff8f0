"""Randomized quantization on a GPU: the layout and the launch of the Triton kernels."""

import functools
import importlib.util
import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
FEW_BINS = 16  # up to here a comparison a cut beats a search
WHOLE = 16_384  # entries of a tile that stays in registers
LOOPED = 8_192  # entries of a tile of longer rows
PER_THREAD = 32  # entries of a tile that stays in registers
LOOPED_PER_THREAD = 8  # entries of a tile of longer rows
CACHED = 32 * 2**20  # bytes of long rows that are worked on at a time, less than the L2 cache holds
BESIDE = 4  # threads that share a short row
MOST_DRAWN = 64  # bins that are sorted in registers


class Tile(NamedTuple):
    """Entries that a program works on at a time; segment after segment of each of its rows."""

    segments: int
    rows: int
    width: int

    @property
    def entries(self) -> int:
        """Of all rows."""
        return self.rows * self.segments * self.width

    def warps(self, per_thread: int) -> int:
        """That work on it, a power of two, if each of their threads takes so many entries."""
        return max(1, min(32, self.entries // (32 * per_thread)))


def takes(dtype: torch.dtype, bins: int) -> bool:
    """Whether it can."""
    return dtype in DTYPES and _runs()


def most_drawn() -> int:
    """The most bins for which it sorts a draw itself."""
    return MOST_DRAWN


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
        cuts, values = _arranged(cuts, values) if drawn else (cuts, values)
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
        cuts, values = _arranged(cuts, values) if drawn else (cuts, values)
        _launch(entries.T[None], out.T[None], seen, cuts, values, applied, offsets)
    return out


def _arranged(cuts: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Draws as fractions of cuts (rows, K - 1) and of values (rows, K), both ascending."""
    from randquant.kernels.triton_code.draws import arrange

    rows, bins = shares.shape
    width = _power(bins)
    edges, values = torch.empty_like(cuts, memory_format=torch.contiguous_format), shares.new_empty(rows, bins)
    at_once = max(1, 1024 // width)
    arrange[(-(-rows // at_once),)](
        cuts.contiguous(), shares.contiguous(), edges, values, rows, bins,
        BINS=width, ROWS=at_once, num_warps=4, enable_fp_fusion=False,
    )  # fmt: skip
    return edges, values


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
    from randquant.kernels.triton_code.whole_rows import quantize_whole

    inner, along = x.shape[1:]
    clouds = len(x) if offsets is None else len(offsets) - 1
    length = along if offsets is None else -(-along // clouds)
    tile = tile_of(x, length)
    whole = offsets is None and tile.segments * tile.width >= length
    tile = tile if whole else looped(tile)
    warps = tile.warps(PER_THREAD if whole else LOOPED_PER_THREAD)
    bins, searched = values.shape[1], values.shape[1] > FEW_BINS
    flags = None if counted is None else counted.view(torch.uint8)
    applied = None if applied is None else applied.contiguous().view(torch.uint8)
    table = None if whole and not searched else x.new_empty((clouds * inner * 2 * bins,), dtype=torch.float32)
    drawn = (edges.contiguous(), values.contiguous(), applied, flags, table)
    x_strides, out_strides = _strides(x), _strides(out)
    flag_strides = (0, 0, 0) if flags is None else _strides(flags)
    shape = {
        "ROWS": tile.rows,
        "WIDTH": tile.width,
        "WIDE": any(_span(each) >= 2**31 for each in (x, out)),
        "HAS_COUNTED": flags is not None,
        "num_warps": warps,
        "num_stages": 1,
        "enable_fp_fusion": False,  # a * b + c rounds twice, as in the plain form
    }
    binned = {
        "BINS": _power(bins),
        "STEPS": (bins - 1).bit_length() if searched else 0,
        "HAS_APPLIED": applied is not None,
        **shape,
    }
    groups = clouds * -(-inner // tile.rows)
    strides = (x_strides, out_strides, flag_strides)
    if whole:
        flat = (*x_strides, *out_strides, *flag_strides)
        quantize_whole[(groups,)](x, out, *drawn, bins, inner, length, *flat, SEGMENTS=tile.segments, **binned)
    elif groups >= _processors(x.device):
        _launch_long(x, out, drawn, offsets, (bins, inner, length, groups), strides, binned)
    else:
        _launch_split(x, out, drawn, offsets, (bins, inner, length, groups), strides, shape, binned)


Drawn = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]  # edges, values, applied, counted, table
Sizes = tuple[int, int, int, int]  # bins, inner, length, groups
Strides = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # of x, out, counted


def _launch_long(
    x: Tensor, out: Tensor, drawn: Drawn, offsets: Tensor | None, sizes: Sizes, strides: Strides, binned: dict[str, Any]
) -> None:
    """One program for several rows, after one another."""
    from randquant.kernels.triton_code.long_rows import quantize_long

    _, _, length, groups = sizes
    processors = _processors(x.device)
    at_a_time = CACHED // (processors * binned["ROWS"] * length * x.element_size())
    programs = min(groups, processors * max(1, min(at_a_time, 64 // binned["num_warps"])))
    flat = (*strides[0], *strides[1], *strides[2])
    quantize_long[(programs,)](x, out, *drawn, offsets, *sizes, *flat, PACKED=offsets is not None, **binned)


def _launch_split(
    x: Tensor,
    out: Tensor,
    drawn: Drawn,
    offsets: Tensor | None,
    sizes: Sizes,
    strides: Strides,
    shape: dict[str, Any],
    binned: dict[str, Any],
) -> None:
    """Several programs for a row."""
    from randquant.kernels.triton_code.split_rows import range_of_parts, replace_parts

    bins, inner, length, groups = sizes
    packed = offsets is not None
    splits = max(1, min(-(-length // shape["WIDTH"]), 4 * _processors(x.device) // groups))
    clouds = groups // -(-inner // shape["ROWS"])
    keys = torch.zeros(2 * clouds * inner, dtype=torch.uint32, device=x.device)
    x_strides, out_strides, flag_strides = strides
    range_of_parts[(groups * splits,)](
        x, drawn[3], keys, offsets, inner, length, splits, *x_strides, *flag_strides, PACKED=packed, **shape
    )
    flat = (*x_strides, *out_strides, *flag_strides)
    replace_parts[(groups * splits,)](
        x, out, *drawn, keys, offsets, bins, inner, length, splits, *flat, PACKED=packed, **binned
    )


@functools.cache
def _processors(device: torch.device) -> int:
    """Multiprocessors of a GPU."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 2


def tile_of(x: Tensor, length: int) -> Tile:
    """Whole rows of x (outer, inner, along), unless they are too long."""
    inner, padded = _power(x.shape[1]), _power(length)
    if x.stride(1) < x.stride(2):  # columns: several side by side, for memory comes in pieces of 32 bytes
        rows = min(inner, max(32 // x.element_size(), 4096 // padded))
        return Tile(1, rows, min(padded, WHOLE // rows))
    rows = max(1, min(inner, 4096 // padded))
    beside = BESIDE if rows > 1 else 512  # threads along a row; each reads 16 bytes
    width = min(padded, beside * 16 // x.element_size())
    return Tile(min(padded, WHOLE) // width, rows, width)


def looped(tile: Tile) -> Tile:
    """A tile of rows that are too long to be held."""
    rows = min(tile.rows, 16)
    return Tile(1, rows, LOOPED // rows)


def _power(number: int) -> int:
    """The next power of two, at least 1."""
    return 1 << max(number - 1, 0).bit_length()


def _strides(x: Tensor) -> tuple[int, ...]:
    """With 0 for a dimension of size 1, which PyTorch gives any: Triton reads 16 bytes at once where all are multiples
    of 16, as 0 is."""
    return tuple(0 if size == 1 else stride for size, stride in zip(x.shape, x.stride(), strict=True))


def _span(x: Tensor) -> int:
    """The farthest that two entries of one outer index lie apart."""
    return sum((size - 1) * stride for size, stride in zip(x.shape[1:], x.stride()[1:], strict=True))
