"""The front end: waveform (B, T) -> natural-log mel spectrogram (B, 1, F, T), by one definition in four back ends.

The definition is that of BYOL-A (Niizumi et al., IJCNN 2021) as its weights were trained: 1024-point STFT with a
periodic Hann window, hop 160, centred with reflection, power 2; 64 Slaney mel bands from 60 to 7800 Hz with Slaney's
area norm; log(mel + float32 epsilon). The libraries' own defaults disagree with one another by whole units.
"""

import importlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.errors import UsageError

Mel = Literal["slaney", "htk"]
Backend = Literal["native", "torchaudio", "nnaudio", "librosa"]

LOG_FLOOR = 1.1920929e-07  # float32 epsilon: silence becomes log(LOG_FLOOR) = -15.94
INT16_SCALE = 1.0 / 32_768.0


@dataclass(frozen=True)
class FrontEnd:
    """How a waveform becomes a log-mel spectrogram; stored with every checkpoint.

    Attributes:
        sample_rate: Hz.
        n_fft: window and FFT length in samples, even.
        hop: samples between frames.
        n_mels: mel bands F.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz, at most half the sample rate.
        mel: "slaney" is Slaney's scale with his area norm; "htk" is the HTK scale with peaks of 1, for old weights.
        backend: which code computes it. All agree within 2e-4 in the log domain; only in bands about 50 dB and more
            below a frame's loudest can the rounding of float32 FFTs show more than that.

    Raises:
        ValueError: a value is out of its range.
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 160
    n_mels: int = 64
    f_min: float = 60.0
    f_max: float = 7800.0
    mel: Mel = "slaney"
    backend: Backend = "native"

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop", "n_mels"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} should be a positive integer, got {value!r}.")
        if self.n_fft % 2:
            raise ValueError(f"n_fft should be even, got {self.n_fft}.")
        if not 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                f"expected 0 <= f_min < f_max <= sample_rate / 2 = {self.sample_rate / 2:g} Hz, "
                f"got f_min={self.f_min!r} and f_max={self.f_max!r}."
            )
        for name, choices in (("mel", get_args(Mel)), ("backend", get_args(Backend))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} should be one of {', '.join(choices)}, got {getattr(self, name)!r}.")

    def frames(self, samples: int) -> int:
        """Frames of a waveform of `samples` samples.

        >>> FrontEnd().frames(15_200)
        96
        """
        return 1 + samples // self.hop

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FrontEnd":
        """The inverse of `to_dict`; fields left out take their defaults, unknown ones are a ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"the front end has no field {', '.join(unknown)}.")
        return cls(**values)


DEFAULT_FRONT_END = FrontEnd()


class LogMel(nn.Module):
    """Waveform -> log(mel power + 1.19e-7), always in float32, with autocast switched off inside.

    The module has no parameters and nothing in its state dict. The librosa back end computes on the host; the others
    on the device of the input. A waveform too short to be reflected (at most n_fft / 2 samples) is zero-padded at its
    tail first; the number of frames is 1 + T // hop for every T, zero included.

    Args:
        front_end: the definition to compute.

    Raises:
        UsageError: the chosen back end's library is missing or broken.

    >>> LogMel()(torch.zeros(2, 16_000)).shape
    torch.Size([2, 1, 64, 101])
    """

    def __init__(self, front_end: FrontEnd = DEFAULT_FRONT_END) -> None:
        super().__init__()
        self.front_end = front_end
        self.mel_power = _BACKENDS[front_end.backend](front_end)
        _forget_buffers(self)

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute log-mel spectrograms.

        Args:
            waveform: (B, T), floating point in [-1, 1] or int16 (which is divided by 32768).

        Returns:
            (B, 1, F, 1 + T // hop) float32.

        Raises:
            TypeError: an integer type other than int16.
            ValueError: not two-dimensional.
        """
        samples = _as_float(waveform)
        frames = self.front_end.frames(samples.shape[1])
        if samples.shape[0] == 0:
            return samples.new_zeros(0, 1, self.front_end.n_mels, frames)
        shortest = self.front_end.n_fft // 2 + 1
        if samples.shape[1] < shortest:
            samples = nn.functional.pad(samples, (0, shortest - samples.shape[1]))
        with torch.autocast(samples.device.type, enabled=False):
            parts = [self._log_mel(part, frames) for part in samples.split(_rows_at_once(samples))]
        return torch.cat(parts).unsqueeze(1)

    def _log_mel(self, samples: Tensor, frames: int) -> Tensor:
        return self.mel_power(samples)[..., :frames].contiguous().add_(LOG_FLOOR).log_()

    def extra_repr(self) -> str:
        """The front end's fields."""
        return ", ".join(f"{name}={value!r}" for name, value in self.front_end.to_dict().items())


def mel_filter_bank(front_end: FrontEnd) -> Tensor:
    """Triangular mel filters (F, n_fft // 2 + 1), float32, computed in float64.

    Raises:
        ValueError: a band is so narrow that no FFT bin falls into it.

    Source: Slaney, Auditory Toolbox (1998): linear to 1 kHz, then 27 steps a factor of 6.4, filters of equal area;
    Young et al., The HTK Book: 2595 log10(1 + f / 700), filters of equal height.
    """
    bins = torch.arange(front_end.n_fft // 2 + 1, dtype=torch.float64)
    frequency = bins * front_end.sample_rate / front_end.n_fft
    edges = _mel_edges(front_end)
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


def _mel_edges(front_end: FrontEnd) -> Tensor:
    """(F + 2,) band edges in Hz, evenly spaced on the mel scale."""
    to_mel, to_hertz = (_slaney_mel, _slaney_hertz) if front_end.mel == "slaney" else (_htk_mel, _htk_hertz)
    low, high = to_mel(front_end.f_min), to_mel(front_end.f_max)
    mels = [low + (high - low) * step / (front_end.n_mels + 1) for step in range(front_end.n_mels + 2)]
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


class _Native(nn.Module):
    """torch.stft and our own filter bank."""

    window: Tensor
    bank: Tensor

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.n_fft, self.hop = front_end.n_fft, front_end.hop
        self.register_buffer("window", _window(front_end.n_fft))
        self.register_buffer("bank", mel_filter_bank(front_end))

    def forward(self, samples: Tensor) -> Tensor:
        spectrum = torch.stft(
            samples, self.n_fft, self.hop, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        spectrum = spectrum.transpose(1, 2)  # (B, T, bins), as it lies in memory
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        return (power @ self.bank.T).transpose(1, 2)


class _Torchaudio(nn.Module):
    """torchaudio's functions; its module would hold persistent buffers."""

    window: Tensor
    bank: Tensor

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.n_fft, self.hop = front_end.n_fft, front_end.hop
        self.functional = _library("torchaudio.functional", front_end.backend, "torchaudio")
        slaney = front_end.mel == "slaney"
        bank = self.functional.melscale_fbanks(
            n_freqs=front_end.n_fft // 2 + 1,
            f_min=front_end.f_min,
            f_max=front_end.f_max,
            n_mels=front_end.n_mels,
            sample_rate=front_end.sample_rate,
            norm="slaney" if slaney else None,
            mel_scale=front_end.mel,
        )
        self.register_buffer("window", _window(front_end.n_fft))
        self.register_buffer("bank", bank.T.contiguous())

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


class _NnAudio(nn.Module):
    """nnAudio's mel spectrogram: the STFT as convolution."""

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        features = _library("nnAudio.features", front_end.backend, "nnAudio")
        slaney = front_end.mel == "slaney"
        self.spectrogram = features.MelSpectrogram(
            sr=front_end.sample_rate,
            n_fft=front_end.n_fft,
            win_length=front_end.n_fft,
            hop_length=front_end.hop,
            n_mels=front_end.n_mels,
            fmin=front_end.f_min,
            fmax=front_end.f_max,
            window="hann",
            center=True,
            pad_mode="reflect",
            power=2.0,
            htk=not slaney,
            norm=1 if slaney else None,
            verbose=False,
        )

    def forward(self, samples: Tensor) -> Tensor:
        return self.spectrogram(samples)


class _Librosa(nn.Module):
    """librosa on the host: a reference to compare with, not a back end to train with."""

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.feature = _library("librosa.feature", front_end.backend, "librosa")
        self.front_end = front_end

    def forward(self, samples: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_fft")  # clips shorter than a window are no mistake here
            mel = self._mel(samples.detach().cpu().numpy())
        return torch.from_numpy(mel).to(samples.device, torch.float32)

    def _mel(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        slaney = self.front_end.mel == "slaney"
        return self.feature.melspectrogram(
            y=samples,
            sr=self.front_end.sample_rate,
            n_fft=self.front_end.n_fft,
            hop_length=self.front_end.hop,
            n_mels=self.front_end.n_mels,
            fmin=self.front_end.f_min,
            fmax=self.front_end.f_max,
            window="hann",
            center=True,
            pad_mode="reflect",
            power=2.0,
            htk=not slaney,
            norm="slaney" if slaney else None,
        )


_BACKENDS: dict[str, type[nn.Module]] = {
    "native": _Native,
    "torchaudio": _Torchaudio,
    "nnaudio": _NnAudio,
    "librosa": _Librosa,
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


def _window(length: int) -> Tensor:
    """The periodic Hann window. Computed in float32, its rounding would show as leakage into silent bands."""
    return torch.hann_window(length, periodic=True, dtype=torch.float64).float()


def _forget_buffers(module: nn.Module) -> None:
    """Keep constants that are derived from the configuration out of state dicts."""
    for part in module.modules():
        for name, buffer in list(part.named_buffers(recurse=False)):
            part.register_buffer(name, buffer, persistent=False)


def _rows_at_once(samples: Tensor) -> int:
    """Waveforms whose spectra fit a CPU's cache (five times faster than all at once), or a part of a GPU's memory."""
    at_once = 2**16 if samples.device.type == "cpu" else 2**25
    return max(1, at_once // samples.shape[1])


def _as_float(waveform: Tensor) -> Tensor:
    if waveform.ndim != 2:
        raise ValueError(f"expected waveforms of shape (B, T), got {tuple(waveform.shape)}.")
    if waveform.dtype == torch.int16:
        return waveform.float() * INT16_SCALE
    if not waveform.is_floating_point():
        raise TypeError(f"expected a floating-point or int16 waveform, got {waveform.dtype}; convert it first.")
    return waveform.float()
