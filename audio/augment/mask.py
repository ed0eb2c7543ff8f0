"""Random masks over time or frequency."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.augmentation import Augmentation


class MaskParams(NamedTuple):
    """One draw of `RandomMask`: start (B,) and stop (B,) int64, in frames or bands; stop itself is not masked."""

    start: Tensor
    stop: Tensor


class RandomMask(Augmentation):
    """Hide some consecutive frames, or bands, of every sample behind zero, the training mean.

    Args:
        axis: "time" hides frames, "frequency" bands.
        share: range of how much is hidden, in [0, 1]; rounded down to whole frames or bands.

    Source: SpecAugment (Park et al., Interspeech 2019), one mask a sample.
    """

    def __init__(self, axis: Literal["time", "frequency"], share: tuple[float, float] = (0.0, 0.3)) -> None:
        super().__init__()
        if axis not in ("time", "frequency"):
            raise ValueError(f"axis should be 'time' or 'frequency', got {axis!r}.")
        self.axis, self.share = axis, checked_range("share", share, 1.0)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> MaskParams:
        """Draw one mask a sample; only shape and device of x are used."""
        length, (low, high) = x.shape[self._dim], self.share
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        width = ((low + draws[0] * (high - low)) * length).long()
        start = (draws[1] * (length - width + 1)).long().minimum(length - width)
        return MaskParams(start, start + width)

    def transform(self, x: Tensor, params: MaskParams) -> Tensor:
        """Hide what each sample's mask covers."""
        place = torch.arange(x.shape[self._dim], device=x.device)
        hidden = (place >= params.start[:, None]) & (place < params.stop[:, None])
        shape = (len(x), 1, 1, -1) if self.axis == "time" else (len(x), 1, -1, 1)
        return x.masked_fill(hidden.view(shape), 0.0)

    @property
    def _dim(self) -> int:
        return -1 if self.axis == "time" else -2
