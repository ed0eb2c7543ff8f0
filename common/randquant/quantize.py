"""Randomized quantization (RQ), the augmentation this library is built around.

Every channel of a sample is cut into bins at random places, and every value is replaced by one random value of its
bin. What remains is the order between bins; the detail inside them is gone, whatever the channel means.

Source: Wu et al., "Randomized Quantization: A Generic Augmentation for Data Agnostic
Self-supervised Learning", ICCV 2023 (arXiv 2212.08663).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation
from randquant.packed import cloud_of_row
from randquant.quantizers.bins import look_up, search_rows
from randquant.quantizers.quantize_arguments import (
    check_floating,
    check_offsets,
    checked_bins,
    checked_dim,
    fitted_mask,
)

Edges = Literal["random", "uniform"]
Value = Literal["random", "midpoint", "zero"]


class QuantizationParams(NamedTuple):
    """One draw, in fractions of a channel's range, so that it can be replayed on any tensor of the same layout.

    "Channels" are the dimensions that are not quantized along, in order: (B, C) for images, (B, 1, F) for a
    spectrogram with `dim=-1`, (B, C) for points with `dim=-2`.

    Attributes:
        edges: (channels..., K - 1) ascending cut points in [0, 1); cuts a sample does not use are infinite.
        values: (channels..., K) the replacement value of each bin, in [0, 1]; NaN stands for the constant zero.
        apply: (B,) bool, or () for a lone sample: which samples are quantized; None where all are (p = 1).
    """

    edges: Tensor
    values: Tensor
    apply: Tensor | None


class RandomizedQuantization(Augmentation):
    """Quantize every channel with its own random bins.

    **The rule: the elements along `dim` share one quantizer; every other index has its own.**

    | input | `dim` | one quantizer per |
    |---|---|---|
    | images (..., C, H, W) | (-2, -1) | sample and colour |
    | spectrogram (B, 1, F, T) | -1 | sample and mel band |
    | spectrogram (B, 1, F, T) | (-2, -1) | sample |
    | points (B, N, C), tokens (B, N, D) | -2 | sample and coordinate or feature |
    | packed clouds (sum of N, C) with `offsets` | -2 | cloud and coordinate |

    The first dimension is the batch: `p`, a range of `bins` and `same_on_batch` count its indices as samples. Only a
    tensor with no more dimensions than one sample has is taken as one sample: (C, H, W) with `dim=(-2, -1)`, (N, C)
    with `dim=-2`, (T,) with `dim=-1`. So batched and unbatched input need no flag.

    Guarantees: at most K distinct values a channel; order kept (x <= y gives q(x) <= q(y), except `value="zero"`);
    every value inside the channel's own range; a constant channel comes back unchanged (except `value="zero"`).
    NaN and infinite entries pass through unchanged and do not enter the range. float16 and bfloat16 are computed in
    float32. Nothing is read on the host; a draw takes 2 K numbers a channel. In eval mode the module is the identity.

    Args:
        bins: number of bins K from 2 to 65,536, or (low, high) to draw K per sample, uniformly, both ends included.
        dim: dimension or dimensions that share a quantizer.
        p: probability that a sample is quantized.
        edges: "random": K - 1 uniform draws over the range, sorted; "uniform": equal bins.
        value: what replaces a bin: a "random" value inside it, its "midpoint", or "zero".
        same_on_batch: one draw of fractions and of `p` for all samples (ranges stay each channel's own).
        straight_through: pass the gradient as if nothing had been done. Without it only each channel's extremes
            receive a gradient, because only they enter the result.

    Raises:
        ValueError: an argument out of range; a `dim` the input lacks; offsets or mask that do not fit.
            Parameters drawn for a tensor of another layout.
        TypeError: input, mask or offsets that are no tensors or of the wrong dtype (x: float16, bfloat16, float32 or
            float64).

    >>> augment = RandomizedQuantization(bins=4, dim=(-2, -1))
    >>> quantized = augment(torch.rand(3, 32, 32))
    >>> [channel.unique().numel() <= 4 for channel in quantized]
    [True, True, True]
    """

    def __init__(
        self,
        bins: int | tuple[int, int] = 8,
        dim: int | Sequence[int] = -1,
        p: float = 1.0,
        edges: Edges = "random",
        value: Value = "random",
        same_on_batch: bool = False,
        straight_through: bool = False,
    ) -> None:
        super().__init__()
        self.bins = checked_bins(bins)
        self.dim = checked_dim(dim)
        if edges not in ("random", "uniform"):
            raise ValueError(f"edges should be 'random' or 'uniform', got {edges!r}.")
        if value not in ("random", "midpoint", "zero"):
            raise ValueError(f"value should be 'random', 'midpoint' or 'zero', got {value!r}.")
        self.p, self.edges, self.value = checked_probability("p", p), edges, value
        self.same_on_batch, self.straight_through = same_on_batch, straight_through

    def forward(
        self,
        x: Tensor,
        *,
        offsets: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw and apply; the identity in eval mode.

        Args:
            x: float16, bfloat16, float32 or float64 tensor of any rank and strides.
            offsets: (B + 1,) integer row offsets of a packed batch x (sum of N, C): cloud b is rows
                offsets[b]:offsets[b + 1]. They start at 0 and end at the number of rows (not checked on the host).
            mask: bool, true where an entry counts; shape `x.shape[:k]` for some k, such as (B, N) for points
                (B, N, C), or anything that broadcasts to x. Other entries pass through and do not enter the range.
            generator: source of the draw; it must live on the device of x.
        """
        check_floating(x)
        if not self.training:
            return x
        return self.transform(x, self.make_params(x, offsets=offsets, generator=generator), offsets=offsets, mask=mask)

    def make_params(
        self, x: Tensor, *, offsets: Tensor | None = None, generator: torch.Generator | None = None
    ) -> QuantizationParams:
        """Draw bins for a tensor of this layout. Only shape, dtype and device of x are used."""
        dims, batched = self._layout(x, offsets)
        channels = _channels(x, dims, offsets)
        samples = channels[0] if batched else 1
        drawn = [1, *channels[1:]] if batched and self.same_on_batch else channels
        most = self.bins if isinstance(self.bins, int) else self.bins[1]
        draw = _Draw(
            dtype=torch.float64 if x.dtype == torch.float64 else torch.float32, device=x.device, generator=generator
        )

        edges, values = self._draw_bins(draw, drawn, most, batched)
        apply = None
        if self.p < 1.0:
            apply = draw.uniform([1 if self.same_on_batch else samples]) < self.p
            apply = apply.expand(samples) if batched else apply[0]
        return QuantizationParams(edges.expand(*channels, most - 1), values.expand(*channels, most), apply)

    def transform(
        self, x: Tensor, params: QuantizationParams, *, offsets: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Apply a draw to x; see `forward` for the arguments."""
        check_floating(x)
        dims, batched = self._layout(x, offsets)
        drawn, needed = list(params.edges.shape[:-1]), _channels(x, dims, offsets)
        if drawn != needed:
            raise ValueError(f"expected params drawn for channels {needed}, got {drawn}; draw them for this layout.")
        if x.numel() == 0:
            return x
        counted = None if mask is None else fitted_mask(mask, x)
        if offsets is None:
            quantized = _quantize_dense(x, params, counted, dims).to(x.dtype)
        else:
            quantized = _quantize_packed(x, params, counted, offsets).to(x.dtype)
        finite = _filled(x, 0.0)
        if self.straight_through:
            quantized, finite = quantized.detach(), finite.detach()
        # x - finite is zero for a finite entry and the entry itself for any other.
        quantized = quantized + (x - finite)
        for kept in (counted, _per_entry(params.apply, x, offsets, batched)):
            quantized = quantized if kept is None else torch.where(kept, quantized, x)
        return quantized

    def _layout(self, x: Tensor, offsets: Tensor | None) -> tuple[tuple[int, ...], bool]:
        """The quantized dimensions as non-negative axes, and whether the first remaining dimension is a batch."""
        if any(not -x.ndim <= axis < x.ndim for axis in self.dim):
            raise ValueError(f"dim={self.dim} needs more dimensions than the input's shape {tuple(x.shape)} has.")
        dims = tuple(sorted({axis % x.ndim for axis in self.dim}))
        if offsets is not None:
            check_offsets(offsets, x)
            if dims != (0,):
                raise ValueError(f"with offsets, dim must be the packed (first) dimension, got dim={self.dim}.")
            return dims, True
        first = x.ndim - dims[0]  # counted from the end, so that leading batch dimensions do not matter
        sample_ndim = first + 1 if len(dims) > 1 else first
        return dims, x.ndim > sample_ndim and 0 not in dims

    def _draw_bins(self, draw: "_Draw", channels: list[int], most: int, batched: bool) -> tuple[Tensor, Tensor]:
        """Fractions of the cut points (channels..., K - 1) and of the values (channels..., K)."""
        position = torch.arange(most - 1, device=draw.device)
        count: Tensor | int = most
        if isinstance(self.bins, tuple):
            low, high = self.bins
            samples = channels[0] if batched else 1
            choice = (draw.uniform([samples] + [1] * (len(channels) if batched else 0)) * (high - low + 1)).long()
            count = low + choice.clamp(max=high - low)
        used = position < count - 1
        if self.edges == "random":
            cuts = draw.uniform([*channels, most - 1])
        else:
            cuts = ((position + 1) / count).to(draw.dtype).expand(*channels, most - 1)
        edges = torch.where(used, cuts, torch.inf).sort(dim=-1).values

        if self.value == "zero":
            return edges, torch.full([*channels, most], torch.nan, dtype=draw.dtype, device=draw.device)
        inner = edges.clamp(max=1.0)
        low_end = torch.nn.functional.pad(inner, (1, 0), value=0.0)
        high_end = torch.nn.functional.pad(inner, (0, 1), value=1.0)
        within = draw.uniform([*channels, most]) if self.value == "random" else 0.5
        return edges, low_end + within * (high_end - low_end)


def randomized_quantization(
    x: Tensor,
    bins: int | tuple[int, int] = 8,
    dim: int | Sequence[int] = -1,
    p: float = 1.0,
    edges: Edges = "random",
    value: Value = "random",
    same_on_batch: bool = False,
    straight_through: bool = False,
    *,
    offsets: Tensor | None = None,
    mask: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """`RandomizedQuantization` as a function; it always applies.

    >>> points = torch.rand(2, 100, 3)
    >>> randomized_quantization(points, bins=(16, 64), dim=-2).shape
    torch.Size([2, 100, 3])
    """
    augment = RandomizedQuantization(bins, dim, p, edges, value, same_on_batch, straight_through)
    return augment(x, offsets=offsets, mask=mask, generator=generator)


def _channels(x: Tensor, dims: tuple[int, ...], offsets: Tensor | None) -> list[int]:
    """Sizes of the dimensions that have a quantizer for each index; the first of a packed batch counts its clouds."""
    channels = [size for axis, size in enumerate(x.shape) if axis not in dims]
    return channels if offsets is None else [offsets.shape[0] - 1, *channels]


class _Draw(NamedTuple):
    dtype: torch.dtype
    device: torch.device
    generator: torch.Generator | None

    def uniform(self, shape: Sequence[int]) -> Tensor:
        if self.generator is None:  # not passed as None: torch.compile then refuses sizes that vary
            return torch.rand(tuple(shape), dtype=self.dtype, device=self.device)
        return torch.rand(tuple(shape), dtype=self.dtype, device=self.device, generator=self.generator)


def _quantize_dense(x: Tensor, params: QuantizationParams, counted: Tensor | None, dims: tuple[int, ...]) -> Tensor:
    """Quantize along `dims`: rows (one a channel) of L entries each, all channels at once."""
    order = [*(axis for axis in range(x.ndim) if axis not in dims), *dims]
    moved = x.permute(order)
    rows = params.edges.shape[:-1].numel()
    entries = moved.reshape(rows, -1).to(params.edges.dtype)
    if counted is not None:
        counted = counted.expand_as(x).permute(order).reshape(rows, -1)

    low = _filled(entries, torch.inf, counted).amin(dim=1, keepdim=True)
    high = _filled(entries, -torch.inf, counted).amax(dim=1, keepdim=True)
    cuts, values = _in_units(params, low, high, rows)
    inverse = [order.index(axis) for axis in range(x.ndim)]
    return look_up(cuts, values, entries).reshape(moved.shape).permute(inverse)


def _quantize_packed(x: Tensor, params: QuantizationParams, counted: Tensor | None, offsets: Tensor) -> Tensor:
    """Quantize a packed batch along its rows: ranges by scatter, bins by a binary search of log2(K) gathers."""
    clouds = offsets.shape[0] - 1
    entries = x.reshape(x.shape[0], -1).to(params.edges.dtype)
    if counted is not None:
        counted = counted.expand_as(x).reshape(entries.shape)
    cloud = cloud_of_row(offsets, x.shape[0])
    columns = entries.shape[1]
    target = cloud[:, None].expand(-1, columns)
    highest = entries.new_full((clouds, columns), torch.inf)
    low = highest.scatter_reduce(0, target, _filled(entries, torch.inf, counted), "amin")
    high = (-highest).scatter_reduce(0, target, _filled(entries, -torch.inf, counted), "amax")

    cuts, values = _in_units(params, low.reshape(-1, 1), high.reshape(-1, 1), clouds * columns)
    row = cloud[:, None] * columns + torch.arange(columns, device=x.device)
    index = search_rows(cuts, row, entries.detach())
    return values.reshape(-1)[row * values.shape[1] + index].reshape(x.shape)


def _filled(x: Tensor, fill: float, counted: Tensor | None = None) -> Tensor:
    """x with every NaN, infinite or uncounted entry replaced."""
    # On a CPU this is forty times as fast as torch.where on a finiteness mask, which is not vectorised.
    filled = torch.nan_to_num(x, nan=fill, posinf=fill, neginf=fill)
    return filled if counted is None else torch.where(counted, filled, fill)


def _in_units(params: QuantizationParams, low: Tensor, high: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Map fractions to each row's [low, high] (rows, 1): the cuts (rows, K - 1) and the values (rows, K)."""
    # A row without a single counted entry has low > high; give it an empty range, its entries are not replaced anyway.
    vacant = low > high
    low, high = low.masked_fill(vacant, 0.0), high.masked_fill(vacant, 0.0)
    fractions = params.edges.reshape(rows, -1)
    # low * (1 - f) + high * f cannot overflow where high - low could; the clamp undoes its rounding, which is what
    # keeps constant channels and the extremes exact.
    inner = fractions.clamp(max=1.0)
    cuts = torch.minimum(torch.maximum(low * (1.0 - inner) + high * inner, low), high).detach()
    cuts = torch.where(torch.isinf(fractions), torch.inf, cuts)
    values = params.values.reshape(rows, -1)
    zero = torch.isnan(values)
    values = values.masked_fill(zero, 0.0)  # before the arithmetic: NaN times a gradient of 0 is NaN
    replaced = torch.minimum(torch.maximum(low * (1.0 - values) + high * values, low), high)
    return cuts, replaced.masked_fill(zero, 0.0)


def _per_entry(apply: Tensor | None, x: Tensor, offsets: Tensor | None, batched: bool) -> Tensor | None:
    """Spread the per-sample decision so that it broadcasts to x."""
    if apply is None:
        return None
    if offsets is not None:
        apply = apply[cloud_of_row(offsets, x.shape[0])]
    return apply.reshape([-1] + [1] * (x.ndim - 1)) if batched else apply
