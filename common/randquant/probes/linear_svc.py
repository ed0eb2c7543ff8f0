"""The one-vs-rest linear SVM of `sklearn.svm.LinearSVC`: squared hinge loss, all classes and then all C in one go.

Where that class solves one problem a class and C from nothing, here the classes share every pass over the features, and
each C starts from the optimum of the one below it. The optimum is the same.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.classifier import Classifier, layers
from randquant.probes.logistic import LogisticSettings, Problem, fit
from randquant.probes.scaling import Moments
from randquant.probes.solver import Solver
from randquant.probes.stacked_layers import predict

# Of the largest entry of the gradient at zero, as the tolerance of `LinearSVC` is relative.
_TOLERANCE = 1e-4
_ITERATIONS = 300  # of L-BFGS at most


class SquaredHinge(Problem):
    """Mean over items of the sum over classes of max(0, 1 - s f)^2, where s is 1 for the true class and -1 for others.

    The last feature is a constant 1, whose weight is the intercept, penalised as `LinearSVC` penalises it.
    """

    def slope(self, logits: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """As in `Problem`."""
        sign = torch.full_like(logits, -1.0).scatter_(1, own, 1.0)
        missed = (1 - sign * logits).clamp_min_(0)
        return missed.double().square().sum(), missed.mul_(sign).mul_(-2)

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """As in `Problem`; the bias (C,) stays at zero."""
        value, (weight, bias) = super().loss(parameters, penalty)
        return value, [weight, torch.zeros_like(bias)]


class LinearSolver(Solver):
    """SVMs fitted with the features themselves."""

    def predict(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64], strengths: Sequence[float]
    ) -> NDArray[np.int64]:
        """As in `Solver`."""
        scaler = self.scaler(fit)
        known, asked = self._with_one(fit, scaler), self._with_one(queries, scaler)
        targets = torch.from_numpy(self.part.assignment.targets[fit]).to(known.device)
        weights = fitted(known, targets, len(self.part.assignment.classes), strengths)
        bias = weights.new_zeros(weights.shape[:2])
        return predict(asked, slice(None), [weights, bias]).cpu().numpy()

    def classifier(self, fit: NDArray[np.int64], strength: float) -> Classifier:
        """As in `Solver`."""
        scaler = self.scaler(fit)
        known = self._with_one(fit, scaler)
        targets = torch.from_numpy(self.part.assignment.targets[fit]).to(known.device)
        weights = fitted(known, targets, len(self.part.assignment.classes), [strength])[0]
        return layers([weights[:, :-1], weights[:, -1]], self.part.assignment.classes, scaler, "score")

    def _with_one(self, rows: NDArray[np.int64], scaler: Moments | None) -> Tensor:
        """Features with the constant behind them."""
        x = self.x[self.part.rows(rows)]
        x = x if scaler is None else scaler.standardise(x).float()
        return torch.cat([x, x.new_ones(len(x), 1)], dim=1)


def fitted(x: Tensor, targets: Tensor, classes: int, strengths: Sequence[float]) -> Tensor:
    """Weights (P, C, D + 1) for each of P values of C, ascending.

    Args:
        x: (n, D + 1) features, the last of which is 1.
        targets: (n,) class ids.
        classes: C.
        strengths: values of C, the weight of the sum of losses against half the squared norm.
    """
    problem = SquaredHinge(x, targets, slice(None))
    parameters = [x.new_zeros(classes, x.shape[1]), x.new_zeros(classes)]
    steepest = float(problem.loss(parameters, 0.0)[1][0].abs().max())
    settings = LogisticSettings(max_iterations=_ITERATIONS, tolerance=max(_TOLERANCE * steepest, 1e-12))
    found = []
    for strength in strengths:
        parameters, _ = fit(problem, strength, parameters, settings)
        found.append(parameters[0])
    return torch.stack(found)
