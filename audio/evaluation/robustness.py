"""The changes of test clips that classifiers of clean ones are asked about: coarse, clipped, noisy, band-limited.

They are made of the waveform (T,), float32 in [-1, 1] at 16 kHz, as long as the clip, zeros at its ends included.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.spectrogram.logmel import INT16_SCALE, as_float
from randquant.probes.conditions import corruption
from randquant.probes.conditions.corruption import CorruptionKind

_MU = 255.0  # ITU-T G.711
_TELEPHONE_LOW = 300.0  # Hz
_FULL_SCALE = 1 / INT16_SCALE


def quantised(clip: Tensor, bits: float, generator: torch.Generator) -> Tensor:
    """At most 2^bits levels, evenly spaced between the peaks of the clip."""
    peak, steps = _peak(clip), 2.0 ** (bits - 1)
    return (clip / peak * steps).round().clamp(-steps, steps - 1) / steps * peak


def companded(clip: Tensor, bits: float, generator: torch.Generator) -> Tensor:
    """At most 2^bits levels, evenly spaced after mu-law compression: finer for quiet samples."""
    peak = _peak(clip)
    compressed = (clip / peak).sign() * (_MU * (clip / peak).abs()).log1p() / math.log1p(_MU)
    coarse = quantised(compressed, bits, generator)
    return coarse.sign() * (coarse.abs() * math.log1p(_MU)).expm1() / _MU * peak


def clipped(clip: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Cut off at a share of the peak, on both sides."""
    most = share * float(_peak(clip))
    return clip.clamp(-most, most)


def noisy(clip: Tensor, decibels: float, generator: torch.Generator) -> Tensor:
    """With white noise, the power of the clip over that of the noise in dB; silence stays."""
    noise = torch.randn(len(clip), generator=generator)
    power = clip.square().mean() / 10 ** (decibels / 10)
    return clip + noise * (power / noise.square().mean()).sqrt()


def low_pass(clip: Tensor, hertz: float, generator: torch.Generator) -> Tensor:
    """Without what lies above a frequency."""
    return _band(clip, 0.0, hertz)


def telephone(clip: Tensor, hertz: float, generator: torch.Generator) -> Tensor:
    """With what lies between 300 Hz and a frequency alone."""
    return _band(clip, _TELEPHONE_LOW, hertz)


def quieter(clip: Tensor, decibels: float, generator: torch.Generator) -> Tensor:
    """At a lower level."""
    return clip * 10 ** (-decibels / 20)


class Corruption(corruption.Corruption):
    """A change of clips (B, T), int16, to int16, as a file holds them: what is cut away leaves rounding noise."""

    KINDS: ClassVar = {
        "quantised": CorruptionKind(quantised, (8.0, 6.0, 4.0), "bits of the peak", 16.0),
        "companded": CorruptionKind(companded, (8.0, 4.0), "bits of mu-law", 16.0),
        "clipped": CorruptionKind(clipped, (0.3, 0.1), "of the peak", 1.0),
        "noise": CorruptionKind(noisy, (20.0, 10.0, 0.0), "dB of signal over white noise", 100.0, least=-100.0),
        "low_pass": CorruptionKind(low_pass, (2000.0,), "Hz at most", SAMPLE_RATE / 2),
        "telephone": CorruptionKind(telephone, (3400.0,), "Hz at most, 300 at least", SAMPLE_RATE / 2),
        "quieter": CorruptionKind(quieter, (20.0,), "dB", 100.0),
    }

    def __call__(self, batch: Tensor, indices: Sequence[int], *context: object) -> Tensor:
        """As in `Corruption`."""
        changed = super().__call__(as_float(batch), indices, *context)
        return (changed * _FULL_SCALE).round().clamp(-_FULL_SCALE, _FULL_SCALE - 1).to(torch.int16)


def _peak(clip: Tensor) -> Tensor:
    return clip.abs().max().clamp_min(1e-12)


def _band(clip: Tensor, low: float, high: float) -> Tensor:
    spectrum = torch.fft.rfft(clip)
    frequencies = torch.fft.rfftfreq(len(clip), 1 / SAMPLE_RATE)
    return torch.fft.irfft(spectrum * ((frequencies >= low) & (frequencies <= high)), len(clip))
