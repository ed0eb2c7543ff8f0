"""The one-vs-rest linear SVM of `sklearn.svm.LinearSVC`: squared hinge loss, solved on the features themselves."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.arrangement import Part
from randquant.probes.reading import CHUNK
from randquant.probes.scaling import moments


class LinearMachine:
    """SVMs fitted on some items of one assignment, to answer others.

    Args:
        x: (N, D) features on any device, as they are.
        part: where the assignment's rows lie in x.
        standardise: bring each feature to mean 0 and deviation 1 over the items fitted on, as `StandardScaler`.
    """

    def __init__(self, x: Tensor, part: Part, *, standardise: bool) -> None:
        self.x, self.part, self.standardise = x, part, standardise

    def share(self, rows: NDArray[np.int64]) -> None:
        """Nothing: each fit reads the features."""

    def predict(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64], strengths: Sequence[float]
    ) -> NDArray[np.int64]:
        """Class ids (P, m) given to rows `queries` (m,) by fits on rows `fit` (n,) for each of P values of C.

        The primal is solved, which draws nothing and converges for any C; the optimum is the dual's.
        """
        from sklearn.svm import LinearSVC

        known, asked = self._scaled(fit, queries)
        targets = self.part.assignment.targets[fit]
        machines = [LinearSVC(C=strength, dual=False).fit(known, targets) for strength in strengths]
        return np.stack([machine.predict(asked) for machine in machines])

    def _scaled(
        self, fit: NDArray[np.int64], queries: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known, asked = self.x[self.part.rows(fit)], self.x[self.part.rows(queries)]
        if not self.standardise:
            return _array(known.double()), _array(asked.double())
        scaler = moments(known.split(CHUNK))
        return _array(scaler.standardise(known)), _array(scaler.standardise(asked))


def _array(x: Tensor) -> NDArray[np.float64]:
    return x.cpu().numpy()
