"""A waveform for a log-mel spectrogram: what an augmented view sounds like, as far as a log-mel tells.

A log-mel has neither phases nor what lies between its bands, so this is a guess, with the sound of one.
"""

import torch
from torch import Tensor

from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LOG_FLOOR
from randquant.audio.spectrogram.mel_filters import mel_filter_bank

_STEPS = 100  # of the search for spectra with the given bands
_TINY = 1e-12


def griffin_lim(log_mel: Tensor, front_end: FrontEnd, *, iterations: int = 32, seed: int = 0) -> Tensor:
    """Waveforms whose log-mels are close to the given ones.

    Args:
        log_mel: (B, 1, F, frames), natural logarithms as `LogMel` gives them, at least two frames.
        front_end: of them.
        iterations: of the search for phases.
        seed: of the phases it begins with.

    Returns:
        (B, (frames - 1) * hop) float32.

    Source: Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 1984.
    """
    magnitude = _spectrum(log_mel[:, 0].float().exp() - LOG_FLOOR, mel_filter_bank(front_end)).sqrt()
    generator = torch.Generator().manual_seed(seed)
    angle = 2.0 * torch.pi * torch.rand(magnitude.shape, generator=generator)
    window = torch.hann_window(front_end.n_fft)
    spectrum = torch.polar(magnitude, angle)
    length = (log_mel.shape[-1] - 1) * front_end.hop
    for _ in range(iterations):
        sound = torch.istft(spectrum, front_end.n_fft, front_end.hop, window=window, length=length)
        found = torch.stft(
            sound, front_end.n_fft, front_end.hop, window=window, return_complex=True, pad_mode="constant"
        )
        spectrum = magnitude * found / found.abs().clamp(min=_TINY)
    return torch.istft(spectrum, front_end.n_fft, front_end.hop, window=window, length=length)


def _spectrum(mel: Tensor, bank: Tensor) -> Tensor:
    """Powers (B, bins, frames), none negative, of which the bank (F, bins) makes the bands (B, F, frames).

    By multiplicative updates of non-negative least squares (Lee and Seung, NIPS 2000).
    """
    target = bank.T @ mel.clamp(min=0.0)
    power = target.clone()
    for _ in range(_STEPS):
        power = power * target / (bank.T @ (bank @ power)).clamp(min=_TINY)
    return power
