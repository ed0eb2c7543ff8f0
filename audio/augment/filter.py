"""Random filters: gains that vary from band to band."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_count, checked_factors, checked_probability, checked_size
from randquant.augmentation import Augmentation


class FilterParams(NamedTuple):
    """One draw of `RandomFilter`: gains (B, knots) at evenly spaced bands; cutoff (B,), the first band cut away, F for
    none."""

    gains: Tensor
    cutoff: Tensor


class RandomFilter(Augmentation):
    """Filter every sample at random, as another microphone, voice, room or telephone line would.

    A smooth gain over frequency is added to all frames: normal draws at evenly spaced bands, joined by straight lines.
    With probability `low_pass` the bands from a random one up are silenced, to the sample's lowest value; what holds
    that value already is digital silence and stays silent.

    Args:
        gain: deviation of the gain at each knot, in units of the normalised log-mel, >= 0.
        knots: at least 2.
        low_pass: probability of a low-pass, in [0, 1].
        cutoff: range of the cut-off over the number of bands, in (0, 1].

    Source: FilterAugment of the linear type (Nam, Kim and Park, ICASSP 2022), with evenly spaced knots and a low-pass.
    """

    def __init__(
        self,
        gain: float = 0.4,
        knots: int = 6,
        low_pass: float = 0.4,
        cutoff: tuple[float, float] = (0.55, 0.95),
    ) -> None:
        super().__init__()
        self.gain, self.knots = checked_size("gain", gain), checked_count("knots", knots, least=2)
        self.low_pass, self.cutoff = checked_probability("low_pass", low_pass), checked_factors("cutoff", cutoff)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> FilterParams:
        """Draw every sample's filter; only shape and device of x are used."""
        batch, bands = x.shape[0], x.shape[-2]
        gains = torch.randn(batch, self.knots, device=x.device, generator=generator) * self.gain
        draws = torch.rand(2, batch, device=x.device, generator=generator)
        low, high = self.cutoff
        cutoff = ((low + draws[0] * (high - low)) * bands).long()
        return FilterParams(gains, torch.where(draws[1] < self.low_pass, cutoff, bands))

    def transform(self, x: Tensor, params: FilterParams) -> Tensor:
        """Filter every sample."""
        values, bands = x.float(), x.shape[-2]
        curve = functional.interpolate(params.gains[:, None], bands, mode="linear", align_corners=True)[..., None]
        silence = values.amin(dim=(-3, -2, -1), keepdim=True)
        passed = torch.arange(bands, device=x.device)[:, None] < params.cutoff[:, None, None, None]
        return torch.where(values > silence, torch.where(passed, values + curve, silence), silence).to(x.dtype)
