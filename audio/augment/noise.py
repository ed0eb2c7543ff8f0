"""Random noise."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_range
from randquant.augmentation import Augmentation


class NoiseParams(NamedTuple):
    """One draw of `RandomNoise`: weight (B,) of the noise, and noise (B, 1, F, T), a normalised log-mel."""

    weight: Tensor
    noise: Tensor


class RandomNoise(Augmentation):
    """Mix in noise: log((1 - w) exp(x) + w exp(z)), z standard normal, that is, with the spread of the training set.

    Args:
        weight: range of w, in [0, 1).

    Source: the Gaussian noise that BYOL-A compares its mixup with (Niizumi et al., IJCNN 2021), w up to 0.4.
    """

    def __init__(self, weight: tuple[float, float] = (0.0, 0.4)) -> None:
        super().__init__()
        self.weight = checked_range("weight", weight, 1.0)
        if self.weight[1] == 1.0:
            raise ValueError(f"weight should be below 1, which leaves noise alone, got {weight!r}.")

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> NoiseParams:
        """Draw weights and noise; only shape and device of x are used."""
        low, high = self.weight
        weight = low + torch.rand(x.shape[0], device=x.device, generator=generator) * (high - low)
        return NoiseParams(weight, torch.randn(x.shape, device=x.device, generator=generator))

    def transform(self, x: Tensor, params: NoiseParams) -> Tensor:
        """Mix every sample with its noise."""
        weight = params.weight[:, None, None, None]
        # logaddexp never exponentiates large values, and a weight of zero gives x itself.
        return torch.logaddexp(x.float() + (-weight).log1p(), params.noise + weight.log()).to(x.dtype)
