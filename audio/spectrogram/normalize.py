"""Scalar normalisation around the augmentations: dataset statistics before them, batch statistics after them.

Source: Niizumi et al., BYOL-A (IJCNN 2021), pre- and post-normalisation.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from randquant.probes.items.scaling import Moments, merged
from randquant.views import Views, ViewSet


@dataclass(frozen=True)
class Normalisation:
    """Scalar mean and standard deviation of log-mels, and how they came about."""

    mean: float
    std: float
    source: str


class PreNorm(nn.Module):
    """(x - mean) / std with the statistics of the training set, so that zero is its mean.

    Args:
        mean: of all log-mel values.
        std: of all log-mel values, above zero.

    Raises:
        ValueError: a statistic is not finite, or std is not positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        check_statistics(mean, std)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a tensor of any shape; the dtype stays."""
        return ((x - self.mean) / self.std).to(x.dtype)

    def extra_repr(self) -> str:
        """The two statistics."""
        return f"mean={float(self.mean):.6g}, std={float(self.std):.6g}"


class PostNorm(nn.Module):
    """Normalise by the batch's own mean and standard deviation, one pair a channel.

    Give it all views of a batch concatenated, (views * B, 1, F, T): the statistics are taken over (B, F, T) of the
    views together, so that a view keeps its level relative to the others. Under data parallelism every process uses
    its own part of the batch. It belongs to training; evaluation uses `PreNorm` alone.

    Args:
        epsilon: the smallest standard deviation to divide by.
    """

    def __init__(self, epsilon: float = 1e-6) -> None:
        super().__init__()
        if not epsilon > 0.0:
            raise ValueError(f"epsilon should be > 0, got {epsilon!r}.")
        self.epsilon = epsilon
        self.divisor = torch.ones(())  # of the last batch

    def forward(self, x: Tensor, of: Tensor | None = None) -> Tensor:
        """Normalise (B, C, F, T) over B, F and T in float32, by the statistics of x or `of` others; the dtype stays."""
        values = x.float()
        whole = values if of is None else of.float()
        std, mean = torch.std_mean(whole, dim=(0, 2, 3), keepdim=True, correction=0)
        self.divisor = std.clamp(min=self.epsilon)
        return ((values - mean) / self.divisor).to(x.dtype)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"epsilon={self.epsilon}"


class LogMelViews(nn.Module):
    """Raw crops -> normalised, augmented log-mel views, (B, 1, F, frames) each.

    Args:
        front: crops -> log-mels.
        normalise: by the statistics of the training set.
        views: global ones.
        local: local ones, which are normalised by the statistics of the batch's global ones.
    """

    def __init__(self, front: nn.Module, normalise: PreNorm, views: Views, local: Views | None = None) -> None:
        super().__init__()
        self.front, self.normalise, self.views, self.post = front, normalise, views, PostNorm()
        self.local = local

    def scale(self) -> Tensor:
        """Of the last views, natural logarithms of power that one unit of them stands for: ()."""
        return self.normalise.std * self.post.divisor.reshape(())

    def forward(self, batch: Tensor, *, generator: torch.Generator) -> list[Tensor] | ViewSet:
        """Views of crops (crops, B, ...); view i is made from crop i modulo their number, local ones likewise."""
        _crops, size = batch.shape[:2]
        log_mels = self.normalise(self.front(batch.flatten(0, 1))).split(size)
        whole = torch.cat(self.views(log_mels, generator=generator))
        views = list(self.post(whole).contiguous(memory_format=torch.channels_last).split(size))
        if self.local is None:
            return views
        local = (self.post(view, of=whole) for view in self.local(log_mels, generator=generator))
        return ViewSet(views, [view.contiguous(memory_format=torch.channels_last) for view in local])


def mean_and_std(batches: Iterable[Tensor]) -> tuple[float, float]:
    """Exact scalar mean and standard deviation over every value of all batches, gathered in float64.

    Args:
        batches: tensors of any shape, such as log-mels (B, 1, F, T) of the training set.

    Raises:
        ValueError: no values, or all of them equal (nothing could be divided by that deviation).
    """
    parts = []
    for values in (batch.double() for batch in batches if batch.numel()):
        mean = values.mean()
        parts.append(Moments(values.numel(), mean, (values - mean).square().sum()))
    total = merged(parts) if parts else Moments(0, torch.zeros(()), torch.zeros(()))
    if not float(total.squares) > 0.0:
        raise ValueError(f"cannot normalise by the spread of {total.count} equal, missing or undefined values.")
    return float(total.mean), math.sqrt(float(total.squares) / total.count)


def check_statistics(mean: float, std: float) -> None:
    """ValueError where a statistic is not finite, or std is not positive."""
    if not math.isfinite(mean) or not math.isfinite(std) or std <= 0.0:
        raise ValueError(f"expected a finite mean and a finite std > 0, got mean={mean!r} and std={std!r}.")
