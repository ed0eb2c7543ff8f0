"""Standardisation by the training items, as scikit-learn's `StandardScaler`, from a single pass over the features."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Count, mean (D,) and sum of squared distances from the mean (D,) of rows, in float64."""

    count: int
    mean: Tensor
    squares: Tensor

    @property
    def deviation(self) -> Tensor:
        """(D,) standard deviation; 1 for columns that are constant, so that they are only centred."""
        deviation = (self.squares / self.count).sqrt()
        # A column is constant when its deviation is only the rounding of its mean.
        constant = deviation <= 1e-7 * self.mean.abs()
        return torch.where(constant, torch.ones_like(deviation), deviation)

    def standardise(self, x: Tensor) -> Tensor:
        """Rows (n, D) with these moments taken out, in float64."""
        return (x.double() - self.mean).div_(self.deviation)

    def standardise_(self, x: Tensor) -> Tensor:
        """The same in place, in the dtype of x."""
        return x.sub_(self.mean.to(x.dtype)).div_(self.deviation.to(x.dtype))


def moments(pieces: Iterable[Tensor]) -> Moments:
    """Moments of all rows of several (n, D)."""
    return merged(_of_one(piece.double()) for piece in pieces)


def merged(parts: Iterable[Moments]) -> Moments:
    """Moments of the rows of all parts together (Chan, Golub and LeVeque, 1979): sums only, so nothing cancels."""
    first, *rest = parts
    count, mean, squares = first.count, first.mean, first.squares
    for part in rest:
        total = count + part.count
        gap = part.mean - mean
        squares = squares + part.squares + gap.square() * (count * part.count / total)
        mean = mean + gap * (part.count / total)
        count = total
    return Moments(count, mean, squares)


def _of_one(x: Tensor) -> Moments:
    mean = x.mean(dim=0)
    return Moments(len(x), mean, (x - mean).square_().sum(dim=0))
