"""What the two linear SVMs share: features as they are, or standardised by the items fitted on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from randquant.probes.arrangement import Part
from randquant.probes.classifier import Classifier
from randquant.probes.reading import CHUNK
from randquant.probes.scaling import Moments, moments


class Solver:
    """Fits on some rows of the features and predicts others.

    Args:
        x: (N, D) features on any device, as they are.
        part: where the assignment's rows lie in x.
        standardise: bring each feature to mean 0 and deviation 1 over the items fitted on, as `StandardScaler`.
    """

    def __init__(self, x: Tensor, part: Part, *, standardise: bool) -> None:
        self.x, self.part, self.standardise = x, part, standardise

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
