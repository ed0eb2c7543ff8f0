"""Randomized quantization of the columns of a table."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation
from randquant.quantize import QuantizationParams, RandomizedQuantization
from randquant.tables.settings import Over

RANKS = 256  # parts of a column's values between which ranks are interpolated


class ColumnParams(NamedTuple):
    """One draw: the bins, and which rows (B, 1) bool are quantized."""

    bins: QuantizationParams
    rows: Tensor


class ColumnQuantization(Augmentation):
    """Quantize every column of (B, F) by random bins.

    | over | the bins of a column lie in | a quantizer is shared by |
    |---|---|---|
    | batch | the range of its values in the batch | all rows of the batch |
    | training | the range of its values in training | nobody: every cell draws its own |
    | quantiles | the ranks of its values in training | nobody: every cell draws its own |

    Args:
        bins: number of bins, or (low, high) to draw it.
        p: probability that a row is quantized.
        over: as above.
        quantiles: (F, RANKS + 1) ascending values of each column in training, from the least to the largest
            (`column_quantiles`); not needed over the batch.

    Raises:
        ValueError: an argument out of range.
    """

    def __init__(
        self, bins: int | tuple[int, int] = 8, p: float = 1.0, over: Over = "batch", quantiles: Tensor | None = None
    ) -> None:
        super().__init__()
        self.quantizer = RandomizedQuantization(bins, dim=0 if over == "batch" else -1)
        self.p, self.over = checked_probability("p", p), over
        if over != "batch" and quantiles is None:
            raise ValueError(f"quantization over {over} needs the quantiles of the columns.")
        self.register_buffer("quantiles", quantiles, persistent=False)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ColumnParams:
        """Draw bins for rows of this shape."""
        layout = x if self.over == "batch" else x.unsqueeze(-1).expand(*x.shape, 3)
        bins = self.quantizer.make_params(layout, generator=generator)
        return ColumnParams(bins, torch.rand(len(x), 1, device=x.device, generator=generator) < self.p)

    def transform(self, x: Tensor, params: ColumnParams) -> Tensor:
        """Quantize (B, F)."""
        if self.over == "batch":
            found = self.quantizer.transform(x, params.bins)
        elif self.over == "training":
            found = self._within(x, self._values()[:, 0], self._values()[:, -1], params.bins)
        else:
            ranks = self._within(self._ranks(x), x.new_zeros(x.shape[1]), x.new_ones(x.shape[1]), params.bins)
            found = self._of_ranks(ranks).to(x.dtype)
        return torch.where(params.rows, found, x)

    def _values(self) -> Tensor:
        assert isinstance(self.quantiles, Tensor)
        return self.quantiles

    def _within(self, x: Tensor, low: Tensor, high: Tensor, bins: QuantizationParams) -> Tensor:
        """Quantize each cell by bins over its column's range (F,): as one of three numbers, with both ends."""
        ends = torch.stack([x, low.to(x).expand_as(x), high.to(x).expand_as(x)], dim=-1)
        return self.quantizer.transform(ends, bins)[..., 0]

    def _ranks(self, x: Tensor) -> Tensor:
        """(B, F) ranks in [0, 1] of values among those of training."""
        values = self._values().to(x)
        above = torch.searchsorted(values, x.T.contiguous(), right=True).clamp(1, RANKS)
        low, high = values.gather(1, above - 1), values.gather(1, above)
        inside = ((x.T - low) / (high - low).clamp(min=torch.finfo(x.dtype).tiny)).clamp(0, 1)
        return ((above - 1 + inside) / RANKS).T

    def _of_ranks(self, ranks: Tensor) -> Tensor:
        """The values at ranks (B, F)."""
        values = self._values().to(ranks)
        place = (ranks.T * RANKS).clamp(0, RANKS)
        below = place.floor().long().clamp(max=RANKS - 1)
        low, high = values.gather(1, below), values.gather(1, below + 1)
        return (low + (place - below) * (high - low)).T


def column_quantiles(rows: Tensor) -> Tensor:
    """(F, RANKS + 1) values of each column of (n, F), evenly spaced in rank, the least and the largest among them."""
    ordered = rows.sort(dim=0).values
    places = torch.linspace(0, len(rows) - 1, RANKS + 1, dtype=torch.float64, device=rows.device)
    return ordered[places.round().long()].T.contiguous()
