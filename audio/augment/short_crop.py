"""Random short crops in time, the local views of sounds."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_count
from randquant.augmentation import Augmentation


class ShortCropParams(NamedTuple):
    """One draw of `RandomShortCrop`: start (B,) int64, the first frame that stays."""

    start: Tensor


class RandomShortCrop(Augmentation):
    """Keep some consecutive frames of every sample, as many of each: (B, 1, F, T) -> (B, 1, F, frames).

    Args:
        frames: how many; the input must have as many.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = checked_count("frames", frames)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> ShortCropParams:
        """Draw one start a sample; only shape and device of x are used.

        Raises:
            ValueError: the input has fewer frames.
        """
        free = x.shape[-1] - self.frames
        if free < 0:
            raise ValueError(f"expected at least {self.frames} frames to crop, got {x.shape[-1]}.")
        start = (torch.rand(x.shape[0], device=x.device, generator=generator) * (free + 1)).long()
        return ShortCropParams(start.clamp(max=free))

    def transform(self, x: Tensor, params: ShortCropParams) -> Tensor:
        """Take each sample's frames."""
        index = params.start[:, None] + torch.arange(self.frames, device=x.device)
        return x.gather(-1, index[:, None, None, :].expand(*x.shape[:-1], -1))
