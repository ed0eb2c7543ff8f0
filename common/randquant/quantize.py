"""Randomized quantization (RQ), the augmentation this library is built around.

Every channel of a sample is cut into bins at random places, and every value is replaced by one random value of its
bin. What remains is the order between bins; the detail inside them is gone, whatever the channel means.

Source: Wu et al., "Randomized Quantization: A Generic Augmentation for Data Agnostic
Self-supervised Learning", ICCV 2023 (arXiv 2212.08663).
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation
from randquant.kernels.by_kernel import by_kernel
from randquant.kernels.chosen import Kernel, kernel_for
from randquant.kernels.uniform import uniform
from randquant.quantizers.choices import Edges, Value
from randquant.quantizers.plain import quantized_plainly
from randquant.quantizers.quantize_arguments import (
    check_floating,
    check_offsets,
    checked_bins,
    checked_dim,
    fitted_mask,
)


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
        edges: "random": K - 1 uniform draws over the range, sorted; "jittered": one in each of K - 1 equal parts of
            it; "uniform": equal bins.
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
        if edges not in get_args(Edges):
            raise ValueError(f"edges should be 'random', 'jittered' or 'uniform', got {edges!r}.")
        if value not in get_args(Value):
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
        kernel = self._kernel(x)
        if kernel is None or x.numel() == 0 or self._most() > kernel.most_drawn():
            params = self.make_params(x, offsets=offsets, generator=generator)
            return self.transform(x, params, offsets=offsets, mask=mask)
        dims, batched = self._layout(x, offsets)
        channels = _channels(x, dims, offsets)
        bins = _expanded(*self._draw_bins(x, channels, batched, generator, kernel), channels)
        counted = None if mask is None else fitted_mask(mask, x)
        return by_kernel(kernel, x, bins, counted, dims, offsets, drawn=True)

    def make_params(
        self, x: Tensor, *, offsets: Tensor | None = None, generator: torch.Generator | None = None
    ) -> QuantizationParams:
        """Draw bins for a tensor of this layout. Only shape, dtype and device of x are used."""
        dims, batched = self._layout(x, offsets)
        channels = _channels(x, dims, offsets)
        return QuantizationParams(*_expanded(*_sorted(*self._draw_bins(x, channels, batched, generator)), channels))

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
        kernel = self._kernel(x, params.values.shape[-1])
        if kernel is not None:
            return by_kernel(kernel, x, params, counted, dims, offsets, drawn=False)
        return quantized_plainly(
            x, params, counted, dims, offsets, batched=batched, straight_through=self.straight_through
        )

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

    def _most(self) -> int:
        """The most bins that a sample can have."""
        return self.bins if isinstance(self.bins, int) else self.bins[1]

    def _kernel(self, x: Tensor, bins: int | None = None) -> Kernel | None:
        """What quantizes x by these bins, or by the module's; None for the plain form."""
        gradient = x.requires_grad and torch.is_grad_enabled() and not self.straight_through
        return kernel_for(x, self._most() if bins is None else bins, gradient)

    def _draw_bins(
        self,
        x: Tensor,
        channels: list[int],
        batched: bool,
        generator: torch.Generator | None,
        kernel: Kernel | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Fractions of the cut points (channels..., K - 1), in no order and infinite where not used; each bin's share
        (channels..., K): 0 is its lower end, 1 its upper, NaN the constant zero; both may have dimensions of size 1
        instead; and which samples are quantized."""
        most, samples = self._most(), channels[0] if batched else 1
        drawn = [1, *channels[1:]] if batched and self.same_on_batch else channels
        draw = _Draw(torch.float64 if x.dtype == torch.float64 else torch.float32, x.device, generator, kernel)
        cuts = self._draw_cuts(draw, drawn, most, batched)
        if self.value == "random":
            shares = draw.uniform([*drawn, most])
        else:
            share = 0.5 if self.value == "midpoint" else torch.nan
            shares = torch.full((1,), share, dtype=draw.dtype, device=draw.device)
        apply = None
        if self.p < 1.0:
            apply = draw.uniform([1 if self.same_on_batch else samples]) < self.p
            apply = apply.expand(samples) if batched else apply[0]
        return cuts, shares, apply

    def _draw_cuts(self, draw: "_Draw", channels: list[int], most: int, batched: bool) -> Tensor:
        """Fractions of the cut points (channels..., K - 1)."""
        position = torch.arange(most - 1, device=draw.device)
        count: Tensor | int = most
        if isinstance(self.bins, tuple):
            low, high = self.bins
            samples = channels[0] if batched else 1
            choice = (draw.uniform([samples] + [1] * (len(channels) if batched else 0)) * (high - low + 1)).long()
            count = low + choice.clamp(max=high - low)
        if self.edges == "uniform":
            cuts = ((position + 1) / count).to(draw.dtype)
        else:
            cuts = draw.uniform([*channels, most - 1])
            if self.edges == "jittered":
                cuts = (position + cuts) / (count - 1)
        return cuts if isinstance(count, int) else torch.where(position < count - 1, cuts, torch.inf)


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
    kernel: Kernel | None

    def uniform(self, shape: Sequence[int]) -> Tensor:
        if self.kernel is not None and self.dtype == torch.float32 and self.device.type == "cpu":
            return uniform(shape, self.generator)
        if self.generator is None:  # not passed as None: torch.compile then refuses sizes that vary
            return torch.rand(tuple(shape), dtype=self.dtype, device=self.device)
        return torch.rand(tuple(shape), dtype=self.dtype, device=self.device, generator=self.generator)


def _sorted(cuts: Tensor, shares: Tensor, apply: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """A draw with its cuts in ascending order, and the values that the shares of the bins stand for."""
    edges = cuts.sort(dim=-1).values
    inner = edges.clamp(max=1.0)
    low_end = torch.nn.functional.pad(inner, (1, 0), value=0.0)
    high_end = torch.nn.functional.pad(inner, (0, 1), value=1.0)
    return edges, low_end + shares * (high_end - low_end), apply


def _expanded(
    cuts: Tensor, values: Tensor, apply: Tensor | None, channels: list[int]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """A draw for every channel, also where several share one."""
    most = cuts.shape[-1] + 1
    return cuts.expand(*channels, most - 1), values.expand(*channels, most), apply
