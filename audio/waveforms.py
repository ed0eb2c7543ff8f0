"""The front end of encoders that take waveforms: samples at their rate instead of log-mels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel, as_float
from randquant.extras import needs


@dataclass(frozen=True)
class WaveformFrontEnd(FrontEnd):
    """No spectrogram: a waveform that is read at `sample_rate`, as all of ours, becomes one at `encoder_rate`.

    A frame is a sample of ours, so that only clips of equal length share a batch.

    Attributes:
        encoder_rate: Hz.
    """

    hop: int = 1
    encoder_rate: int = SAMPLE_RATE

    def to_dict(self) -> dict[str, Any]:
        """What features depend on."""
        return {"waveform": self.encoder_rate}


class Waveforms(nn.Module):
    """Samples at 16 kHz -> float32 waveforms (B, T) in [-1, 1] at the encoder's rate, resampled by soxr at quality HQ.

    Args:
        sample_rate: Hz. Above 16 kHz a waveform has nothing beyond 8 kHz, as everything here is read at 16 kHz.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, T) int16 or floating point, as `LogMel` takes it -> (B, T') on the same device."""
        samples = as_float(waveform)
        if self.sample_rate == SAMPLE_RATE or not len(samples):
            return samples
        with needs("audio"):
            import soxr

        read = samples.cpu().numpy()
        at_rate = np.stack([soxr.resample(clip, SAMPLE_RATE, self.sample_rate, quality="HQ") for clip in read])
        return torch.from_numpy(at_rate).to(samples.device)


def front_end_module(front_end: FrontEnd) -> nn.Module:
    """What turns waveforms (B, T), int16 or floating point, into what the encoder of this front end takes."""
    return Waveforms(front_end.encoder_rate) if isinstance(front_end, WaveformFrontEnd) else LogMel(front_end)
