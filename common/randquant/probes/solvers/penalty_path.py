"""Linear layers of least loss under falling penalties, each started from those before it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from randquant.probes.solvers.descent import Smooth, descend
from randquant.probes.solvers.eigenbasis import Eigenbasis


@dataclass(frozen=True)
class Labelled:
    """Items to fit on or to choose on: x (n, r) along the axes of an eigenbasis, and class ids (n,)."""

    x: Tensor
    targets: Tensor


def zero_layer(classes: int, basis: Eigenbasis) -> list[Tensor]:
    """Weight (classes, r) and bias (classes,) to begin with."""
    return [basis.squares.new_zeros(classes, len(basis.squares)), basis.squares.new_zeros(classes)]


class PenaltyPath:
    """The optima of a loss, penalty by penalty.

    Args:
        make: the loss of features and class ids.
        items: to fit on.
        basis: of the items.
        start: weight (C, r) and bias (C,) to begin with.
        pointed: start each fit from where the two before it point, instead of from the last. Optima that end at a
            point, as those of hinges once all margins are met, would be overshot.

    Attributes:
        passes: over the items so far.
        unfinished: penalties at which the passes ran out before the optimum was near.
    """

    def __init__(
        self,
        make: Callable[[Tensor, Tensor], Smooth],
        items: Labelled,
        basis: Eigenbasis,
        start: list[Tensor],
        *,
        pointed: bool = True,
    ) -> None:
        self.make, self.items, self.basis, self.start, self.pointed = make, items, basis, start, pointed
        self.passes, self.unfinished = 0, list[float]()
        self._found: list[tuple[float, list[Tensor]]] = []  # the last two

    def advance(self, penalty: float, tolerance: float) -> list[Tensor]:
        """Weight (C, r) and bias (C,) under a penalty / 2 * |weights|^2 next to the mean loss.

        Args:
            penalty: weaker than the last.
            tolerance: as of `descend`.
        """
        count = self.basis.count(penalty)
        start = self._next(penalty)
        problem = self.make(self.items.x[:, :count], self.items.targets)
        found = descend(problem, penalty, [start[0][:, :count], start[1]], self.basis.squares[:count], tolerance)
        weight = torch.zeros_like(start[0])
        weight[:, :count] = found.layer[0]
        layer = [weight, found.layer[1]]
        self.passes += found.passes
        if not found.converged:
            self.unfinished.append(penalty)
        self._found = [*self._found[-1:], (penalty, layer)]
        return layer

    def _next(self, penalty: float) -> list[Tensor]:
        """The last layer, moved on as it moved between the last two penalties, at most as far."""
        if len(self._found) < 2 or not self.pointed:
            return self._found[-1][1] if self._found else self.start
        (earlier, before), (last, now) = self._found
        further = min(1.0, math.log(last / penalty) / math.log(earlier / last))
        return [new + further * (new - old) for new, old in zip(now, before, strict=True)]
