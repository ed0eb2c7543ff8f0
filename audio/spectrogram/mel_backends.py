"""Mel power spectrograms by four libraries, all to one definition: waveform (B, T) float32 -> (B, F, frames)."""

import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.mel_filters import mel_filter_bank
from randquant.errors import UsageError


class Native(nn.Module):
    """torch.stft and our own filter bank."""

    window: Tensor
    bank: Tensor

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.n_fft, self.hop = front_end.n_fft, front_end.hop
        # Computed in float32, its rounding would show as leakage into silent bands.
        window = torch.hann_window(front_end.n_fft, periodic=True, dtype=torch.float64).float()
        self.register_buffer("window", window)
        self.register_buffer("bank", self._bank(front_end))

    def _bank(self, front_end: FrontEnd) -> Tensor:
        return mel_filter_bank(front_end)

    def forward(self, samples: Tensor) -> Tensor:
        spectrum = torch.stft(
            samples, self.n_fft, self.hop, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        spectrum = spectrum.transpose(1, 2)  # (B, T, bins), as it lies in memory
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        return (power @ self.bank.T).transpose(1, 2)


class Torchaudio(Native):
    """torchaudio's functions; its module would hold persistent buffers."""

    def _bank(self, front_end: FrontEnd) -> Tensor:
        self.functional = _library("torchaudio.functional", front_end.backend, "torchaudio")
        bank = self.functional.melscale_fbanks(
            n_freqs=front_end.n_fft // 2 + 1,
            f_min=front_end.f_min,
            f_max=front_end.f_max,
            n_mels=front_end.n_mels,
            sample_rate=front_end.sample_rate,
            norm="slaney" if front_end.mel == "slaney" else None,
            mel_scale=front_end.mel,
        )
        return bank.T.contiguous()

    def forward(self, samples: Tensor) -> Tensor:
        power = self.functional.spectrogram(
            samples,
            pad=0,
            window=self.window,
            n_fft=self.n_fft,
            hop_length=self.hop,
            win_length=self.n_fft,
            power=2.0,
            normalized=False,
            center=True,
            pad_mode="reflect",
        )
        return self.bank @ power


class Librosa(nn.Module):
    """librosa on the host: a reference to compare with, not a back end to train with."""

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.feature = _library("librosa.feature", front_end.backend, "librosa")
        self.arguments = _arguments(front_end) | {"norm": "slaney" if front_end.mel == "slaney" else None}

    def forward(self, samples: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_fft")  # clips shorter than a window are no mistake here
            mel = self.feature.melspectrogram(y=samples.detach().cpu().numpy(), **self.arguments)
        return torch.from_numpy(mel).to(samples.device, torch.float32)


def _nnaudio(front_end: FrontEnd) -> nn.Module:
    """nnAudio's mel spectrogram: the STFT as convolution."""
    features = _library("nnAudio.features", front_end.backend, "nnAudio")
    norm = 1 if front_end.mel == "slaney" else None
    return features.MelSpectrogram(**_arguments(front_end), norm=norm, verbose=False)


def _arguments(front_end: FrontEnd) -> dict[str, Any]:
    """What nnAudio and librosa call by the same names."""
    return {
        "sr": front_end.sample_rate,
        "n_fft": front_end.n_fft,
        "win_length": front_end.n_fft,
        "hop_length": front_end.hop,
        "n_mels": front_end.n_mels,
        "fmin": front_end.f_min,
        "fmax": front_end.f_max,
        "window": "hann",
        "center": True,
        "pad_mode": "reflect",
        "power": 2.0,
        "htk": front_end.mel == "htk",
    }


BACKENDS: dict[str, Callable[[FrontEnd], nn.Module]] = {
    "native": Native,
    "torchaudio": Torchaudio,
    "nnaudio": _nnaudio,
    "librosa": Librosa,
}


def _library(module: str, backend: str, distribution: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # a torchaudio built for CUDA raises OSError beside a CPU build of torch
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"the log-mel back end {backend!r} needs {distribution}, which does not import here ({reason}); "
            f"install it with `pip install {distribution}` or use the back end 'native'."
        ) from None
