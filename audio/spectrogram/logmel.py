"""The front end: waveform (B, T) -> natural-log mel spectrogram (B, 1, F, T), by one definition in four back ends.

The definition is that of BYOL-A (Niizumi et al., IJCNN 2021) as its weights were trained: 1024-point STFT with a
periodic Hann window, hop 160, centred with reflection, power 2; 64 Slaney mel bands from 60 to 7800 Hz with Slaney's
area norm; log(mel + float32 epsilon). The libraries' own defaults disagree with one another by whole units.
"""

import torch
from torch import Tensor, nn

from randquant.audio.spectrogram.front_end import DEFAULT_FRONT_END, FrontEnd
from randquant.audio.spectrogram.mel_backends import BACKENDS

LOG_FLOOR = 1.1920929e-07  # float32 epsilon: silence becomes log(LOG_FLOOR) = -15.94
INT16_SCALE = 1.0 / 32_768.0


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
        self.mel_power = BACKENDS[front_end.backend](front_end)
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
        samples = as_float(waveform)
        frames = self.front_end.frames(samples.shape[1])
        if samples.shape[0] == 0:
            return samples.new_zeros(0, 1, self.front_end.n_mels, frames)
        shortest = self.front_end.n_fft // 2 + 1
        if samples.shape[1] < shortest:
            samples = nn.functional.pad(samples, (0, shortest - samples.shape[1]))
        with torch.autocast(samples.device.type, enabled=False):
            at_once = max(1, self._samples_at_once(samples.device) // samples.shape[1])
            powers = [self.mel_power(part)[..., :frames].contiguous() for part in samples.split(at_once)]
            return torch.cat([power.add_(LOG_FLOOR).log_() for power in powers]).unsqueeze(1)

    def _samples_at_once(self, device: torch.device) -> int:
        """Those of waveforms whose spectra fit a CPU's cache, or a part of a GPU's memory."""
        if device.type != "cpu":
            return 2**25
        # Only librosa's numbers depend on how many it is given, in their last digits.
        return 2**16 if self.front_end.backend == "librosa" else 2**18

    def extra_repr(self) -> str:
        """The front end's fields."""
        return ", ".join(f"{name}={value!r}" for name, value in self.front_end.to_dict().items())


def _forget_buffers(module: nn.Module) -> None:
    """Keep constants that are derived from the configuration out of state dicts."""
    for part in module.modules():
        for name, buffer in list(part.named_buffers(recurse=False)):
            part.register_buffer(name, buffer, persistent=False)


def as_float(waveform: Tensor) -> Tensor:
    """Waveforms (B, T) as float32; int16 is divided by 32768.

    Raises:
        TypeError: an integer type other than int16.
        ValueError: not two-dimensional.
    """
    if waveform.ndim != 2:
        raise ValueError(f"expected waveforms of shape (B, T), got {tuple(waveform.shape)}.")
    if waveform.dtype == torch.int16:
        return waveform.float() * INT16_SCALE
    if not waveform.is_floating_point():
        raise TypeError(f"expected a floating-point or int16 waveform, got {waveform.dtype}; convert it first.")
    return waveform.float()
