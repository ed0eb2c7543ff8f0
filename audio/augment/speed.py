"""Random speeds."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from randquant.arguments import checked_range
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.mel_filters import band_edges
from randquant.augmentation import Augmentation


class SpeedParams(NamedTuple):
    """One draw of `RandomSpeed`: factor (B,) of the speed, above 1 for faster."""

    factor: Tensor


class RandomSpeed(Augmentation):
    """Play every sample faster or slower, from its beginning; what becomes free is zero, the training mean.

    With a front end the pitch goes along, as on a tape: a band reads what lies at its frequency over the factor.
    Without, the pitch stays (a time stretch). Values between frames and bands are interpolated linearly.

    Args:
        change: range of the factor's distance from 1, either way, in [0, 1).
        front_end: what the log-mels were computed by; None keeps the pitch.

    Source: speed, pitch and stretch of the speech augmentations of i-Mix, Lee et al., ICLR 2021, there of waveforms and
    complex spectra.
    """

    def __init__(self, change: tuple[float, float] = (0.0, 0.2), front_end: FrontEnd | None = None) -> None:
        super().__init__()
        self.change = checked_range("change", change, 1.0)
        if self.change[1] == 1.0:
            raise ValueError(f"change should be below 1, at which nothing moves, got {change!r}.")
        self.front_end = front_end
        if front_end is not None:
            self.register_buffer("edges", band_edges(front_end).float(), persistent=False)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> SpeedParams:
        """Draw one factor a sample; only the batch size and device of x are used."""
        draws, (low, high) = torch.rand(2, x.shape[0], device=x.device, generator=generator), self.change
        return SpeedParams(1.0 + torch.where(draws[0] < 0.5, -1.0, 1.0) * (low + draws[1] * (high - low)))

    def transform(self, x: Tensor, params: SpeedParams) -> Tensor:
        """Resample (B, 1, F, T).

        Raises:
            ValueError: other bands than the front end's.
        """
        bands, frames = x.shape[-2:]
        if self.front_end is not None and bands != self.front_end.n_mels:
            raise ValueError(f"expected the front end's {self.front_end.n_mels} mel bands, got {bands}.")
        time = torch.arange(frames, device=x.device) * params.factor[:, None]
        if self.front_end is None:
            band = torch.arange(bands, device=x.device, dtype=torch.float32).expand(len(x), -1)
        else:
            band = self._bands(params.factor)
        places = torch.stack(
            torch.broadcast_tensors(_unit(time, frames)[:, None, :], _unit(band, bands)[:, :, None]), dim=-1
        )
        return F.grid_sample(x.float(), places, align_corners=True).to(x.dtype)

    def _bands(self, factor: Tensor) -> Tensor:
        """Numbers (B, F), with fractions, of the bands that lie at each band's frequency over the factor."""
        edges = self.edges
        assert isinstance(edges, Tensor)
        wanted = edges[1:-1] / factor[:, None]
        right = torch.searchsorted(edges, wanted).clamp(1, len(edges) - 1)
        low, high = edges[right - 1], edges[right]
        return right - 2 + (wanted - low) / (high - low)  # the first edge belongs to no band


def _unit(place: Tensor, size: int) -> Tensor:
    """Places from 0 to size - 1 as `grid_sample` counts them, from -1 to 1."""
    return 2.0 * place / max(size - 1, 1) - 1.0
