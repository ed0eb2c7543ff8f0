"""The spectral detail that a view keeps of its crop."""

from typing import NamedTuple

import torch
from torch import Tensor

SLOW, FAST = 8.0, 20.0  # Hz; syllables are slower, what sounds rough is faster


class Detail(NamedTuple):
    """Correlations of a view with its crop, at most 1, where nothing is lost.

    Attributes:
        spectrum: of the mean over time, across bands: the timbre without its level.
        low, middle, high: of the course in time of single bands, in each third of the bands.
        slow, medium, fast: the same of all bands by rate of modulation: below 8 Hz, to 20 Hz, above.
    """

    spectrum: float
    low: float
    middle: float
    high: float
    slow: float
    medium: float
    fast: float


def detail(crop: Tensor, view: Tensor, frame_rate: float) -> Detail:
    """The detail that views keep, a mean over crops and bands.

    Args:
        crop: log-mels (B, 1, F, T), with at least three bands.
        view: of the same shape, nothing moved in frequency or time.
        frame_rate: frames a second.

    Returns:
        Correlations; NaN where no crop has anything to keep, such as a rate that so few frames do not have.

    >>> crop = torch.randn(2, 1, 6, 48, generator=torch.Generator().manual_seed(0))
    >>> round(detail(crop, 3.0 * crop + 1.0, 100.0).fast, 3)
    1.0
    """
    crop, view = crop[:, 0].double(), view[:, 0].double()
    spectra = [_centred(each.mean(dim=2)) for each in (crop, view)]
    courses = [_centred(each) for each in (crop, view)]
    thirds = [_mean(part) for part in _correlation(*courses).tensor_split(3, dim=1)]
    rates = torch.fft.rfftfreq(crop.shape[2], 1.0 / frame_rate)
    waves = [torch.fft.rfft(each) for each in courses]
    ranges = ((rates > 0.0) & (rates < SLOW), (rates >= SLOW) & (rates < FAST), rates >= FAST)
    return Detail(
        _mean(_correlation(*spectra)),
        *thirds,
        *(_mean(_correlation(*(each[..., chosen] for each in waves))) for chosen in ranges),
    )


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(dim=-1, keepdim=True)


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    """Along the last dimension, of centred or complex values; NaN where the first one is constant."""
    power = x.abs().square().sum(dim=-1)
    spread = (power * y.abs().square().sum(dim=-1)).sqrt()
    found = (x * y.conj()).real.sum(dim=-1) / spread.clamp(min=torch.finfo(spread.dtype).tiny)
    return torch.where(power > 1e-12 * x.shape[-1], found, torch.nan)


def _mean(found: Tensor) -> float:
    return float(found.nanmean())
