"""The one-vs-one linear SVM of `sklearn.svm.SVC(kernel="linear")`, from inner products that are computed once.

Most of the time of that class goes into inner products of features, and they are the same for every C. Here one matrix
product computes them and the solver reads them (kernel="precomputed"), so a sweep over C costs little more than one
fit. Without standardisation one matrix serves every fold too, by indexing. With it each fold has scales of its own, so
each takes a product of its own, which all C share.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.arrangement import Part
from randquant.probes.classifier import Classifier, layers
from randquant.probes.scaling import Moments
from randquant.probes.solver import Solver

_QUERIES = 2048  # rows whose inner products with the training items are held at a time


class GramSolver(Solver):
    """SVMs fitted with the inner products of the features."""

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
        solutions = fitted(self._products(fit, fit, scaler), self.part.assignment.targets[fit], strengths)
        blocks = []
        for start in range(0, len(queries), _QUERIES):
            products = self._products(queries[start : start + _QUERIES], fit, scaler)
            answered = {id(solution): solution.predict(products) for solution in solutions}
            blocks.append(np.stack([answered[id(solution)] for solution in solutions]))
        return np.concatenate(blocks, axis=1)

    def classifier(self, fit: NDArray[np.int64], strength: float) -> Classifier:
        """As in `Solver`: hyperplanes, one for each pair of classes."""
        scaler = self.scaler(fit)
        found = fitted(self._products(fit, fit, scaler), self.part.assignment.targets[fit], [strength])[0]
        support = self._scaled(fit[found.support_], scaler).cpu()
        own = np.repeat(np.arange(len(found.n_support_)), found.n_support_)  # class of each support vector
        weights = []
        for one, other in combinations(range(len(found.n_support_)), 2):
            dual = np.where(own == one, found.dual_coef_[other - 1], 0) + np.where(
                own == other, found.dual_coef_[one], 0
            )
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


def fitted(products: NDArray[np.float64], targets: NDArray[np.int64], strengths: Sequence[float]) -> list[Any]:
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
