"""Random linear fades."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_size
from randquant.augmentation import Augmentation


class FaderParams(NamedTuple):
    """One draw of `RandomLinearFader`: head (B,) and tail (B,), what is added at the first and the last frame."""

    head: Tensor
    tail: Tensor


class RandomLinearFader(Augmentation):
    """Add a straight line over time, a fade in or out, to every band: from U(-1, 1) * gain to U(-1, 1) * gain.

    Args:
        gain: the largest change, in units of the normalised log-mel, >= 0.
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = checked_size("gain", gain)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> FaderParams:
        """Draw both ends for every sample; only the batch size and device of x are used."""
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        head, tail = (draws * 2.0 - 1.0) * self.gain
        return FaderParams(head, tail)

    def transform(self, x: Tensor, params: FaderParams) -> Tensor:
        """Add each sample's line."""
        position = torch.linspace(0.0, 1.0, x.shape[-1], device=x.device)
        line = torch.lerp(params.head[:, None], params.tail[:, None], position)
        return (x.float() + line[:, None, None, :]).to(x.dtype)
