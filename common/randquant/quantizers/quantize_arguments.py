"""What randomized quantization takes: each wrong argument or input is refused in a sentence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from randquant.quantizers.choices import MOST_BINS


def check_offsets(offsets: Tensor, x: Tensor) -> None:
    """Refuse what says no rows of a packed batch x."""
    if not isinstance(offsets, Tensor) or offsets.dtype not in (torch.int32, torch.int64):
        got = offsets.dtype if isinstance(offsets, Tensor) else type(offsets).__name__
        raise TypeError(f"offsets should be an int64 or int32 tensor, got {got}; use torch.tensor(offsets).")
    clouds = offsets.shape[0] - 1 if offsets.ndim == 1 else -1
    if clouds < 0 or (clouds == 0 and x.shape[0] > 0):
        raise ValueError(
            f"offsets should be (clouds + 1,) row numbers from 0 to {x.shape[0]}, got shape {tuple(offsets.shape)}."
        )


def fitted_mask(mask: Tensor, x: Tensor) -> Tensor:
    """The mask in a shape that broadcasts to x."""
    if not isinstance(mask, Tensor):
        raise TypeError(f"mask should be a bool tensor, got {type(mask).__name__}; use torch.tensor(mask).")
    if mask.dtype != torch.bool:
        raise TypeError(f"mask should be a bool tensor, got {mask.dtype}; use mask.bool().")
    if mask.shape == x.shape[: mask.ndim]:
        return mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))
    try:
        return mask.broadcast_to(x.shape)
    except RuntimeError:
        raise ValueError(
            f"expected a mask of the shape of the input's first dimensions or one that broadcasts to its shape "
            f"{tuple(x.shape)}, got a mask of shape {tuple(mask.shape)}."
        ) from None


def check_floating(x: Tensor) -> None:
    """Refuse what cannot be quantized."""
    if not isinstance(x, Tensor):
        raise TypeError(
            f"randomized quantization needs a tensor, got {type(x).__name__}; convert first, e.g. with "
            "torch.from_numpy for an array or v2.ToImage and v2.ToDtype(torch.float32, scale=True) for a picture."
        )
    if x.dtype not in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        raise TypeError(
            f"randomized quantization needs floating-point input, got {x.dtype}; "
            "convert first, e.g. x.float() / 255 for images."
        )


def checked_dim(dim: int | Sequence[int]) -> tuple[int, ...]:
    """The dimensions as a tuple."""
    dims = tuple(dim) if isinstance(dim, Sequence) else (dim,)
    if not dims or not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in dims):
        raise ValueError(f"dim should be an integer or several, at least one, got {dim!r}.")
    return dims


def checked_bins(bins: int | tuple[int, int]) -> int | tuple[int, int]:
    """The number of bins, or the lowest and the highest, as given."""
    pair = tuple(bins) if isinstance(bins, tuple | list) else (bins, bins)
    whole = all(isinstance(count, int) and not isinstance(count, bool) for count in pair)
    if len(pair) != 2 or not whole or not 2 <= pair[0] <= pair[1]:
        raise ValueError(f"bins should be an integer >= 2 or a pair 2 <= low <= high, got {bins!r}.")
    if pair[1] > MOST_BINS:
        raise ValueError(
            f"bins should be at most {MOST_BINS:,}, got {bins!r}: finer ones leave every value as it is but for its "
            "last digits; use fewer, or no quantization."
        )
    return bins if isinstance(bins, int) else (pair[0], pair[1])
