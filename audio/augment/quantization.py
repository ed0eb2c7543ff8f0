"""Randomized quantization of log-mels: over bands, blocks of bands or whole clips, on several scales, and in part."""

from collections.abc import Callable
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.audio.settings import Scale
from randquant.augmentation import Augmentation
from randquant.quantize import QuantizationParams, RandomizedQuantization
from randquant.quantizers.choices import Edges


class LogMelQuantizationParams(NamedTuple):
    """One draw: the bins, and the weight of the quantized sample, (B,) in [0, 1]; None where it is 1."""

    bins: QuantizationParams
    weight: Tensor | None


class LogMelQuantization(Augmentation):
    """Quantize log-mels (B, 1, F, T).

    | scale | the bins of a channel lie between |
    |---|---|
    | log | its values |
    | power | their exponentials: loud parts keep more detail |
    | rank | their ranks: every bin holds about as many entries, and takes the value of one of them |

    Args:
        bins: number of bins, or (low, high) to draw it per sample.
        bands: that share a quantizer, a divisor of F; 0 for all.
        p: probability that a sample is quantized.
        scale: as above.
        edges: "random", "jittered" or "uniform", see `RandomizedQuantization`.
        weight: range of the weight w in x + w (quantized - x), drawn per sample.

    Raises:
        ValueError: an argument out of range, or bands that do not divide F.
    """

    def __init__(
        self,
        bins: int | tuple[int, int] = 8,
        bands: int = 1,
        p: float = 1.0,
        scale: Scale = "log",
        edges: Edges = "random",
        weight: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        if bands < 0:
            raise ValueError(f"bands should be a number that share a quantizer, or 0 for all, got {bands!r}.")
        if scale not in get_args(Scale):
            raise ValueError(f"scale should be one of {', '.join(get_args(Scale))}, got {scale!r}.")
        self.bands, self.scale, self.weight = bands, scale, checked_range("weight", weight, most=1.0)
        self.quantizer = RandomizedQuantization(bins, -1, p, edges)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> LogMelQuantizationParams:
        """Draw bins, and weights where they can be below 1."""
        bins = self.quantizer.make_params(self._blocks(x), generator=generator)
        low, high = self.weight
        if low == 1.0:
            return LogMelQuantizationParams(bins, None)
        drawn = torch.rand(len(x), device=x.device, generator=generator)
        return LogMelQuantizationParams(bins, low + drawn * (high - low))

    def transform(self, x: Tensor, params: LogMelQuantizationParams) -> Tensor:
        """Quantize (B, 1, F, T)."""
        quantized = _SCALES[self.scale](
            self._blocks(x), lambda values: self.quantizer.transform(values, params.bins)
        ).reshape(x.shape)
        quantized = quantized.to(x.dtype)
        if params.weight is None:
            return quantized
        return torch.lerp(x, quantized, params.weight.to(x.dtype).reshape(-1, 1, 1, 1))

    def _blocks(self, x: Tensor) -> Tensor:
        """(B, 1, F, T) as rows (B, blocks, entries) that share a quantizer."""
        bands = self.bands or x.shape[2]
        if x.shape[2] % bands:
            raise ValueError(f"{self.bands} bands share a quantizer, which does not divide {x.shape[2]} bands.")
        return x.reshape(len(x), x.shape[2] // bands, -1)


_Quantize = Callable[[Tensor], Tensor]


def _in_power(x: Tensor, quantize: _Quantize) -> Tensor:
    """By the exponentials of entries, less than the largest of a sample's, so that none overflows."""
    values = x.float()
    largest = values.flatten(1).amax(dim=1).reshape(-1, 1, 1)
    smallest = torch.finfo(torch.float32).tiny
    return quantize((values - largest).exp()).clamp(min=smallest).log() + largest


def _in_ranks(x: Tensor, quantize: _Quantize) -> Tensor:
    """By ranks in [0, 1] of entries among those of their row; equal ones have the first one's."""
    ordered = x.sort(dim=-1).values
    last = x.shape[-1] - 1
    ranks = torch.searchsorted(ordered, x.contiguous()).float() / max(last, 1)
    return ordered.gather(-1, (quantize(ranks) * last).round().long())


_SCALES: dict[Scale, Callable[[Tensor, _Quantize], Tensor]] = {
    "log": lambda x, quantize: quantize(x),
    "power": _in_power,
    "rank": _in_ranks,
}
