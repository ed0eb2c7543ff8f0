"""What an audio encoder takes: the log-mel of a waveform, normalised by the statistics it was trained with."""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from randquant.audio.crops import Samples
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.normalize import PreNorm
from randquant.audio.waveforms import front_end_module


class NormalisedLogMel(nn.Module):
    """Waveforms -> normalised log-mels, in float32 whatever the encoder behind computes in.

    Args:
        front_end: the definition of the log-mel, or of the waveform that a foreign encoder takes.
        mean: of log-mels.
        std: of log-mels, above zero.

    Raises:
        ValueError: a statistic is not finite, or std is not positive.
    """

    def __init__(self, front_end: FrontEnd, mean: float, std: float) -> None:
        super().__init__()
        self.log_mel, self.normalise = front_end_module(front_end), PreNorm(mean, std)

    def forward(self, waveforms: Tensor) -> Tensor:
        """(B, T) at the front end's sample rate, float in [-1, 1] or int16 -> (B, 1, F, 1 + T // hop); with gradients.

        >>> NormalisedLogMel(FrontEnd(), -8.0, 5.0)(torch.zeros(2, 16_000)).shape
        torch.Size([2, 1, 64, 101])
        """
        return self.normalise(self.log_mel(waveforms))

    def of_lengths(self, waveforms: Sequence[Samples]) -> Tensor:
        """(B, 1, F, frames) of waveforms of any lengths that give as many frames.

        A waveform is reflected at its own ends, wherever within a hop they lie, so its spectrogram is that of its
        exact length, as in the code published with BYOL-A; only then are spectrograms of as many frames stacked.
        """
        places: dict[int, list[int]] = {}
        for place, waveform in enumerate(waveforms):
            places.setdefault(len(waveform), []).append(place)
        device = self.normalise.mean.device
        parts = [
            self(torch.from_numpy(np.stack([waveforms[place] for place in same])).to(device))
            for same in places.values()
        ]
        order = torch.tensor([place for same in places.values() for place in same], device=device)
        return torch.cat(parts)[torch.argsort(order)]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Follow the encoder to its device, and stay float32."""
        return super()._apply(lambda values: values.to(fn(values).device), recurse)
