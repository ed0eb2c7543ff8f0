"""What the two linear SVMs share, and each of them: fits on some rows of the features, predictions for others."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.classifier import Classifier, layers
from randquant.probes.items.arrangement import CHUNK, Part
from randquant.probes.items.scaling import Moments, moments
from randquant.probes.solvers.cross_entropy import CrossEntropy
from randquant.probes.solvers.eigenbasis import Eigenbasis
from randquant.probes.solvers.penalty_path import Labelled, PenaltyPath, zero_layer
from randquant.probes.solvers.stacked_layers import predict

_TOLERANCE = 1e-6  # share of the loss that a fit may lie above its least
_QUERIES = 2048  # rows whose inner products with the training items are held at a time


class Solver:
    """Fits on some rows of the features and predicts others.

    Args:
        x: (N, D) features on any device, as they are.
        part: where the assignment's rows lie in x.
        standardise: bring each feature to mean 0 and deviation 1 over the items fitted on, as `StandardScaler`.

    Attributes:
        unfinished: values of C of fits that ran out of passes.
    """

    def __init__(self, x: Tensor, part: Part, *, standardise: bool) -> None:
        self.x, self.part, self.standardise = x, part, standardise
        self.unfinished = set[float]()

    def share(self, rows: NDArray[np.int64]) -> None:
        """Prepare what fits on any of `rows` have in common; nothing by default."""

    def predict(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64], strengths: Sequence[float]
    ) -> NDArray[np.int64]:
        """Class ids (P, m) of rows `queries` (m,) by fits on rows `fit` (n,), for each value of C (P,), ascending."""
        raise NotImplementedError

    def classifier(self, fit: NDArray[np.int64], strength: float) -> Classifier:
        """What is fitted on rows `fit` (n,) with one C."""
        raise NotImplementedError

    def scaler(self, fit: NDArray[np.int64]) -> Moments | None:
        """What standardises the features; None where they stay as they are."""
        return moments(self.x[self.part.rows(fit)].split(CHUNK)) if self.standardise else None


class GramSolver(Solver):
    """The one-vs-one SVM of `sklearn.svm.SVC(kernel="linear")`, from inner products that are computed once.

    Most of the time of that class goes into them, and they are the same for every C. One matrix product computes them
    and the solver reads them (kernel="precomputed"), so a sweep over C costs little more than one fit. Without
    standardisation one matrix serves every fold too; with it each fold has scales and a product of its own.
    """

    def __init__(self, x: Tensor, part: Part, *, standardise: bool) -> None:
        super().__init__(x, part, standardise=standardise)
        self._shared: NDArray[np.float64] | None = None
        self._place = np.full(len(part.positions), -1, dtype=np.int64)

    def share(self, rows: NDArray[np.int64]) -> None:
        """Compute the inner products of `rows` now, for all folds drawn from them; nothing where folds have scales."""
        if not self.standardise:
            self._shared = self._products(rows, rows, None)
            self._place[rows] = np.arange(len(rows))

    def predict(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64], strengths: Sequence[float]
    ) -> NDArray[np.int64]:
        """As in `Solver`."""
        scaler = self.scaler(fit)
        solutions = fitted_svc(self._products(fit, fit, scaler), self.part.assignment.targets[fit], strengths)
        blocks = []
        for start in range(0, len(queries), _QUERIES):
            products = self._products(queries[start : start + _QUERIES], fit, scaler)
            answered = {id(solution): solution.predict(products) for solution in solutions}
            blocks.append(np.stack([answered[id(solution)] for solution in solutions]))
        return np.concatenate(blocks, axis=1)

    def classifier(self, fit: NDArray[np.int64], strength: float) -> Classifier:
        """As in `Solver`: hyperplanes, one for each pair of classes."""
        scaler = self.scaler(fit)
        found = fitted_svc(self._products(fit, fit, scaler), self.part.assignment.targets[fit], [strength])[0]
        support = self._scaled(fit[found.support_], scaler).cpu()
        own = np.repeat(np.arange(len(found.n_support_)), found.n_support_)  # class of each support vector
        weights = []
        for one, other in combinations(range(len(found.n_support_)), 2):
            dual = np.select([own == one, own == other], [found.dual_coef_[other - 1], found.dual_coef_[one]])
            weights.append(torch.from_numpy(dual) @ support)
        # scikit-learn turns the sign of two classes' decision around.
        sign = -1 if len(found.n_support_) == 2 else 1
        plane = [sign * torch.stack(weights), sign * torch.from_numpy(found.intercept_)]
        return layers(plane, self.part.assignment.classes, scaler, "score", "pairs")

    def _products(
        self, rows: NDArray[np.int64], others: NDArray[np.int64], scaler: Moments | None
    ) -> NDArray[np.float64]:
        """(rows, others) inner products in float64, as the solver wants them."""
        if self._shared is not None and (self._place[rows] >= 0).all() and (self._place[others] >= 0).all():
            return self._shared[np.ix_(self._place[rows], self._place[others])]
        return (self._scaled(rows, scaler) @ self._scaled(others, scaler).T).cpu().numpy()

    def _scaled(self, rows: NDArray[np.int64], scaler: Moments | None) -> Tensor:
        x = self.x[self.part.rows(rows)]
        return x.double() if scaler is None else scaler.standardise(x)


def fitted_svc(products: NDArray[np.float64], targets: NDArray[np.int64], strengths: Sequence[float]) -> list[Any]:
    """One `SVC` for each C.

    Where no multiplier reaches the bound C, every margin is met and a larger C has the same solution, so the solution
    is the same object.

    Args:
        products: (n, n) inner products of the training items.
        targets: (n,) class ids.
        strengths: (P,) values of C, ascending.
    """
    from sklearn.svm import SVC

    solutions: list[Any] = []
    for strength in strengths:
        if solutions and np.abs(solutions[-1].dual_coef_).max() < solutions[-1].C * (1 - 1e-6):
            solutions.append(solutions[-1])
            continue
        solutions.append(SVC(C=strength, kernel="precomputed").fit(products, targets))
    return solutions


class SquaredHinge(CrossEntropy):
    """Mean over items of the sum over classes of max(0, 1 - s f)^2, where s is 1 for the true class and -1 for others.

    The last feature is a constant 1, whose weight is the intercept, penalised as `LinearSVC` penalises it.
    """

    def slope(self, logits: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """As in `CrossEntropy`."""
        sign = torch.full_like(logits, -1.0).scatter_(1, own, 1.0)
        missed = (1 - sign * logits).clamp_min_(0)
        return missed.double().square().sum(), missed.mul_(sign).mul_(-2)

    def curvature(self, parameters: Sequence[Tensor]) -> Tensor:
        """As in `CrossEntropy`: 2 for each item within the margin."""
        x, own = self.sample()
        scores = x @ parameters[0].T
        sign = torch.full_like(scores, -1.0).scatter_(1, own.unsqueeze(1), 1.0)
        return torch.diag(2 * (sign * scores < 1).to(scores).mean(dim=0))

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """As in `CrossEntropy`; the bias (C,) stays at zero."""
        value, (weight, bias) = super().loss(parameters, penalty)
        return value, [weight, torch.zeros_like(bias)]


class LinearSolver(Solver):
    """The one-vs-rest SVM of `sklearn.svm.LinearSVC`: squared hinge loss, from the features themselves.

    Where that class solves one problem a class and C from nothing, here all share the eigenbasis of the features, the
    classes share every pass over them, and each C starts from the optimum of the one below it. The optimum is the same.
    """

    def predict(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64], strengths: Sequence[float]
    ) -> NDArray[np.int64]:
        """As in `Solver`."""
        weights, scaler = self._fitted(fit, strengths)
        bias = weights.new_zeros(weights.shape[:2])
        return predict(self._with_one(queries, scaler), slice(None), [weights, bias]).cpu().numpy()

    def classifier(self, fit: NDArray[np.int64], strength: float) -> Classifier:
        """As in `Solver`."""
        (weights,), scaler = self._fitted(fit, [strength])
        return layers([weights[:, :-1], weights[:, -1]], self.part.assignment.classes, scaler, "score")

    def _fitted(self, fit_on: NDArray[np.int64], strengths: Sequence[float]) -> tuple[Tensor, Moments | None]:
        """Weights (P, C, D + 1), the last column of which is the intercept, and what standardises the features."""
        scaler, task = self.scaler(fit_on), self.part.assignment
        x = self._with_one(fit_on, scaler)
        basis = Eigenbasis.of(x)
        items = Labelled(basis.rotate(x), torch.from_numpy(task.targets[fit_on]).to(x.device))
        path = PenaltyPath(SquaredHinge, items, basis, zero_layer(len(task.classes), basis), pointed=False)
        found = []
        for strength in strengths:
            penalty = 1 / (strength * len(x))
            found.append(path.advance(penalty, _TOLERANCE)[0] @ basis.axes.T)
            if penalty in path.unfinished:
                self.unfinished.add(strength)
        return torch.stack(found), scaler

    def _with_one(self, rows: NDArray[np.int64], scaler: Moments | None) -> Tensor:
        """Features with the constant behind them."""
        x = self.x[self.part.rows(rows)]
        x = x if scaler is None else scaler.standardise(x).float()
        return torch.cat([x, x.new_ones(len(x), 1)], dim=1)
