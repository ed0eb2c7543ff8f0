"""Mel scales and their filter banks."""

import math

import torch
from torch import Tensor

from randquant.audio.spectrogram.front_end import FrontEnd


def mel_filter_bank(front_end: FrontEnd) -> Tensor:
    """Triangular mel filters (F, n_fft // 2 + 1), float32, computed in float64.

    Raises:
        ValueError: a band is so narrow that no FFT bin falls into it.

    Source: Slaney, Auditory Toolbox (1998): linear to 1 kHz, then 27 steps a factor of 6.4, filters of equal area;
    Young et al., The HTK Book: 2595 log10(1 + f / 700), filters of equal height.
    """
    bins = torch.arange(front_end.n_fft // 2 + 1, dtype=torch.float64)
    frequency = bins * front_end.sample_rate / front_end.n_fft
    edges = band_edges(front_end)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequency - low) / (centre - low)
    falling = (high - frequency) / (high - centre)
    bank = torch.minimum(rising, falling).clamp(min=0.0)
    if front_end.mel == "slaney":
        bank = bank * 2.0 / (high - low)
    empty = int((bank.sum(dim=1) == 0).sum())
    if empty:
        raise ValueError(
            f"{empty} of {front_end.n_mels} mel bands hold no FFT bin; use fewer n_mels or a larger n_fft "
            f"than {front_end.n_fft}."
        )
    return bank.float()


def band_edges(front_end: FrontEnd) -> Tensor:
    """The lower edge of the lowest band, the centres of all F bands, and the upper edge of the highest: (F + 2,) Hz."""
    to_mel, to_hertz = (_slaney_mel, _slaney_hertz) if front_end.mel == "slaney" else (_htk_mel, _htk_hertz)
    lowest, highest = to_mel(front_end.f_min), to_mel(front_end.f_max)
    mels = [lowest + (highest - lowest) * step / (front_end.n_mels + 1) for step in range(front_end.n_mels + 2)]
    return torch.tensor([to_hertz(mel) for mel in mels], dtype=torch.float64)


_SLANEY_HERTZ_PER_MEL = 200.0 / 3.0
_SLANEY_KNEE = 1000.0 / _SLANEY_HERTZ_PER_MEL  # the mel value of 1 kHz, where the scale turns logarithmic
_SLANEY_LOG_STEP = math.log(6.4) / 27.0


def _slaney_mel(hertz: float) -> float:
    if hertz < 1000.0:
        return hertz / _SLANEY_HERTZ_PER_MEL
    return _SLANEY_KNEE + math.log(hertz / 1000.0) / _SLANEY_LOG_STEP


def _slaney_hertz(mel: float) -> float:
    if mel < _SLANEY_KNEE:
        return mel * _SLANEY_HERTZ_PER_MEL
    return 1000.0 * math.exp((mel - _SLANEY_KNEE) * _SLANEY_LOG_STEP)


def _htk_mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def _htk_hertz(mel: float) -> float:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
