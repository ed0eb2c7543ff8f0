"""L-BFGS of linear layers in an eigenbasis, preconditioned by the curvature of the loss."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_PASSES = 300  # over the items, at most
_MEMORY = 10  # earlier steps that L-BFGS keeps
_LEAST = 1e-4  # of the largest curvature over directions of classes, so that one without doubt keeps a finite step
_GAIN, _ROUNDING = 1e-4, 1e-7  # share of the promised decrease that a step has to bring, and of the loss it may miss
_SHORTEST = 1e-6  # step below which rounding leaves nothing to gain


class Smooth(Protocol):
    """A loss of linear layers, as `randquant.probes.solvers.cross_entropy.CrossEntropy`."""

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """Mean loss with penalty / 2 * |weights|^2, and its gradients by weight (C, r) and bias (C,)."""

    def curvature(self, parameters: Sequence[Tensor]) -> Tensor:
        """(C, C) mean second derivatives of the loss by the logits."""


@dataclass(frozen=True)
class Descended:
    """A layer: weight (C, r) and bias (C,); passes over the items; whether it came as near as was asked."""

    layer: list[Tensor]
    passes: int
    converged: bool


def descend(problem: Smooth, penalty: float, start: Sequence[Tensor], squares: Tensor, tolerance: float) -> Descended:
    """The optimum under one penalty.

    L-BFGS (Liu and Nocedal, 1989) with a step of 1, halved or more until the loss falls. Its first guess of the inverse
    Hessian is exact where the curvature by the logits does not depend on the features.

    Args:
        problem: the loss, of features in an eigenbasis.
        penalty: of the squared weights.
        start: weight (C, r) and bias (C,).
        squares: (r,) mean squares of the features.
        tolerance: share of the loss; it has converged when the next step promises less.
    """
    layer, inverse = list(start), _Inverse(problem.curvature(start), squares, penalty)
    loss, gradient = problem.loss(layer, penalty)
    passes = 1
    while True:
        step = inverse.times(gradient)
        slope = _dot(gradient, step)
        if slope / 2 <= tolerance * abs(loss):
            return Descended(layer, passes, True)
        size = 1.0
        while passes < _PASSES:
            tried = [part - size * along for part, along in zip(layer, step, strict=True)]
            found, bent = problem.loss(tried, penalty)
            passes += 1
            if found <= loss - _GAIN * size * slope + _ROUNDING * abs(loss):
                break
            # The minimum of the parabola through both losses and the slope, kept from being extreme.
            best = size**2 * slope / 2 / (found - loss + size * slope)
            size = max(0.1 * size, min(0.5 * size, best))
            if size < _SHORTEST:
                return Descended(layer, passes, True)
        else:
            return Descended(layer, passes, False)
        inverse.learn([-size * along for along in step], [new - old for new, old in zip(bent, gradient, strict=True)])
        layer, loss, gradient = tried, found, bent


class _Inverse:
    """The inverse Hessian: that of curvature (C, C) by squares (r,) plus the penalty, bettered by the steps taken."""

    def __init__(self, curvature: Tensor, squares: Tensor, penalty: float) -> None:
        bent, self.directions = torch.linalg.eigh(curvature)
        bent = bent.clamp_min(_LEAST * float(bent[-1]))
        self.scales = [1 / (bent[:, None] * squares + penalty), 1 / bent]
        self.steps: deque[tuple[list[Tensor], list[Tensor], float]] = deque(maxlen=_MEMORY)

    def learn(self, step: list[Tensor], change: list[Tensor]) -> None:
        """Keep a step and the change of the gradient along it."""
        product = _dot(step, change)
        if product > 0:  # but for rounding it is
            self.steps.append((step, change, product))

    def times(self, gradient: Sequence[Tensor]) -> list[Tensor]:
        """The inverse times a gradient, by the two loops of L-BFGS."""
        found, shares = list(gradient), []
        for step, change, product in reversed(self.steps):
            shares.append(_dot(step, found) / product)
            found = [part - shares[-1] * each for part, each in zip(found, change, strict=True)]
        found = self._first(found)
        if self.steps:  # as much larger or smaller as the last step showed
            _, change, product = self.steps[-1]
            found = [part * (product / _dot(change, self._first(change))) for part in found]
        for (step, change, product), share in zip(self.steps, reversed(shares), strict=True):
            rest = share - _dot(change, found) / product
            found = [part + rest * each for part, each in zip(found, step, strict=True)]
        return found

    def _first(self, gradient: Sequence[Tensor]) -> list[Tensor]:
        across = [self.directions.T @ part for part in gradient]
        return [self.directions @ (part * scale) for part, scale in zip(across, self.scales, strict=True)]


def _dot(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    return sum(float(one.flatten() @ other.flatten()) for one, other in zip(left, right, strict=True))
