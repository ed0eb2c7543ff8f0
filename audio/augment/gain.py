"""Random gains."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.augmentation import Augmentation


class GainParams(NamedTuple):
    """One draw of `RandomGain`: gain (B,), what is added."""

    gain: Tensor


class RandomGain(Augmentation):
    """Make every sample louder or quieter: add one number to all of its log-mel.

    Args:
        gain: range of the change either way, in units of the normalised log-mel, >= 0.
    """

    def __init__(self, gain: tuple[float, float] = (0.0, 1.0)) -> None:
        super().__init__()
        self.gain = checked_range("gain", gain)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> GainParams:
        """Draw one gain a sample, its sign and its size; only the batch size and device of x are used."""
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        low, high = self.gain
        return GainParams(torch.where(draws[0] < 0.5, -1.0, 1.0) * (low + draws[1] * (high - low)))

    def transform(self, x: Tensor, params: GainParams) -> Tensor:
        """Add each sample's gain."""
        return (x.float() + params.gain[:, None, None, None]).to(x.dtype)
