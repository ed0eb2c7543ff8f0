"""Input drop: numbers of a row that are missing at random."""

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation


class RandomInputDrop(Augmentation):
    """Set each number of a row to zero, the mean of standardised columns, with a probability of its own draw.

    Args:
        p: probability of each number; or its range, from which each row draws its own.

    Source: Lee et al., i-Mix, ICLR 2021, for tables.
    """

    def __init__(self, p: float | tuple[float, float] = 0.2) -> None:
        super().__init__()
        low, high = p if isinstance(p, tuple) else (p, p)
        self.p = (checked_probability("p", low), checked_probability("p", high))

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Which numbers stay, (B, F) bool."""
        low, high = self.p
        share = low + (high - low) * torch.rand(len(x), 1, device=x.device, generator=generator)
        return torch.rand(x.shape, device=x.device, generator=generator) >= share

    def transform(self, x: Tensor, params: Tensor) -> Tensor:
        """Drop the others of (B, F)."""
        return x * params.to(x.dtype)
