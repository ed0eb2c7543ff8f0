"""Random shifts in time."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.augmentation import Augmentation


class ShiftParams(NamedTuple):
    """One draw of `RandomTimeShift`: frames (B,) int64, above zero for later."""

    frames: Tensor


class RandomTimeShift(Augmentation):
    """Move every sample to an earlier or a later time; what becomes free is zero, the training mean.

    Args:
        share: range of the shift either way over the number of frames, in [0, 1]; rounded down to whole frames.
    """

    def __init__(self, share: tuple[float, float] = (0.0, 0.25)) -> None:
        super().__init__()
        self.share = checked_range("share", share, 1.0)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ShiftParams:
        """Draw one shift a sample; only shape and device of x are used."""
        draws, (low, high) = torch.rand(2, x.shape[0], device=x.device, generator=generator), self.share
        frames = ((low + draws[1] * (high - low)) * x.shape[-1]).long()
        return ShiftParams(torch.where(draws[0] < 0.5, -frames, frames))

    def transform(self, x: Tensor, params: ShiftParams) -> Tensor:
        """Move every sample."""
        length = x.shape[-1]
        source = torch.arange(length, device=x.device) - params.frames[:, None]
        there = (source >= 0) & (source < length)
        index = source.clamp(0, length - 1)[:, None, None, :].expand(x.shape)
        return x.gather(-1, index).masked_fill(~there[:, None, None, :], 0.0)
