"""Linear layers of least loss under a penalty, in an eigenbasis, each started from that under a stronger penalty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from randquant.probes.items.arrangement import Rows
from randquant.probes.solvers.eigenbasis import Eigenbasis

_CHANGE = 1e-5  # of the loss an iteration, relative, at which a fit has converged
_ITERATIONS = 300  # at most
_MEMORY = 20  # earlier steps that L-BFGS keeps
_LEAST = 1e-4  # of a class's curvature, so that a class without doubt keeps a finite step


class Smooth(Protocol):
    """A loss of linear layers, as `randquant.probes.logistic.Problem`."""

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """Mean loss with penalty / 2 * |weights|^2, and its gradients by weight (C, r) and bias (C,)."""

    def curvature(self, parameters: Sequence[Tensor]) -> Tensor:
        """(C,) mean second derivative of the loss by the logits of each class."""


@dataclass(frozen=True)
class Labelled:
    """Items to fit on or to choose on: x (n, r) along the axes of an eigenbasis, and class ids (n,)."""

    x: Tensor
    targets: Tensor


def zero_layer(classes: int, basis: Eigenbasis) -> list[Tensor]:
    """Weight (classes, r) and bias (classes,) to begin with."""
    return [basis.squares.new_zeros(classes, len(basis.squares)), basis.squares.new_zeros(classes)]


def fitted(
    make: Callable[[Tensor, Tensor, Rows], Smooth],
    items: Labelled,
    penalty: float,
    start: Sequence[Tensor],
    basis: Eigenbasis,
) -> tuple[list[Tensor], int]:
    """The layer along all axes, of which the last that do not matter have weight 0, and the passes over the items.

    Args:
        make: the loss of features, class ids and rows.
        items: to fit on.
        penalty: a of a / 2 * |weights|^2 next to the mean loss.
        start: weight (C, r) and bias (C,) under a stronger penalty.
        basis: of x.
    """
    count = basis.count(penalty)
    problem = make(items.x[:, :count], items.targets, slice(None))
    (weight, bias), passes = descend(problem, penalty, [start[0][:, :count], start[1]], basis.squares[:count])
    whole = torch.zeros_like(start[0])
    whole[:, :count] = weight
    return [whole, bias], passes


def descend(problem: Smooth, penalty: float, start: Sequence[Tensor], squares: Tensor) -> tuple[list[Tensor], int]:
    """The optimum under one penalty, and how often the loss was computed.

    L-BFGS runs in coordinates divided by the root of the curvature that each has at the start.

    Args:
        problem: the loss, of features in an eigenbasis.
        penalty: of the squared weights.
        start: weight (C, r) and bias (C,).
        squares: (r,) mean squares of the features.
    """
    bent = problem.curvature(start).clamp_min(_LEAST)
    scales = [(bent[:, None] * squares + penalty).rsqrt(), bent.rsqrt()]
    parameters = [part / scale for part, scale in zip(start, scales, strict=True)]
    losses: list[float] = []

    def closure() -> float:
        weights = [part * scale for part, scale in zip(parameters, scales, strict=True)]
        loss, gradients = problem.loss(weights, penalty)
        for part, gradient, scale in zip(parameters, gradients, scales, strict=True):
            part.grad = gradient.mul_(scale)
        losses.append(loss)
        return loss

    closure()
    optimiser = torch.optim.LBFGS(
        parameters,
        max_iter=1,
        max_eval=2 * _ITERATIONS,
        history_size=_MEMORY,
        tolerance_grad=0.0,
        line_search_fn="strong_wolfe",
    )
    # In these coordinates a whole step is the right first one, which that class divides by the gradient's norm.
    group = optimiser.param_groups[0]
    group["lr"] = max(1.0, sum(float(part.grad.abs().sum()) for part in parameters if part.grad is not None))
    optimiser.step(closure)
    group["lr"], group["max_iter"] = 1.0, _ITERATIONS
    before = float("inf")
    while losses[-1] < before / 2:  # it may have fallen far below that which the tolerance was a share of
        before = losses[-1]
        group["tolerance_change"] = _CHANGE * before
        optimiser.step(closure)
    return [part * scale for part, scale in zip(parameters, scales, strict=True)], len(losses)
