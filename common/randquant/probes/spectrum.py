"""Ridge regression for every penalty at once, from one decomposition of the training features.

With centred features X = U S V', the weights of penalty a are V (S^2 + a)^-1 V'X'Y: V and S serve all penalties. They
come from the smaller of the two Gram matrices, X'X or XX', in float64.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

_SCORES = 2**22  # float64 scores held at a time: 32 MB

Pieces = Callable[[], Iterable[tuple[Tensor, Tensor]]]


class Spectrum:
    """Ridge regression of one-hot class ids, with an unpenalised intercept.

    Args:
        pieces: gives, each time it is called, the training items as float64 features (b, D) and int64 class ids (b,),
            always the same ones.
        count: n, how many there are.
        classes: C.
        penalties: (P,) of the squared weights, each above 0; multiplied by n, so that they mean the same for any n.
    """

    def __init__(self, pieces: Pieces, count: int, classes: int, penalties: Sequence[float]) -> None:
        self.pieces, self.count, self.classes = pieces, count, classes
        sums, numbers = _class_sums(pieces(), classes)
        self.mean, self.prior = sums.sum(dim=0) / count, numbers / count
        self.basis, squares = self._decompose(sums.shape[1])
        self.shrink = 1 / (squares[:, None] + count * torch.tensor(penalties).to(squares))  # (r, P)
        cross = (sums - numbers[:, None] * self.mean).T  # (D, C), X'Y of centred X
        weights = self.basis.T @ cross
        self.weights = weights.unsqueeze(1) * self.shrink.unsqueeze(2)  # (r, P, C)
        self._rows = max(1, _SCORES // (len(penalties) * classes))

    def predict(self, x: Tensor) -> Tensor:
        """(P, m) class ids of features (m, D)."""
        pieces = ((x - self.mean) @ self.basis).split(self._rows)
        return torch.cat([self._scores(piece).argmax(dim=2) for piece in pieces]).T

    def layer(self, place: int) -> tuple[Tensor, Tensor]:
        """Weight (C, D) and bias (C,) of the penalty at this place."""
        weight = (self.basis @ self.weights[:, place]).T
        return weight, self.prior - weight @ self.mean

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """How each training item is predicted from all others, exactly and without refitting (Allen's PRESS, 1974).

        Returns:
            (P,) share that is right and (P,) mean squared error of the scores.
        """
        right, error = self.shrink.new_zeros(self.shrink.shape[1]), self.shrink.new_zeros(self.shrink.shape[1])
        for x, targets in self.pieces():
            projected = (x - self.mean) @ self.basis
            for part, truth in zip(projected.split(self._rows), targets.split(self._rows), strict=True):
                missed = self._missed(part, truth)
                predicted = (functional.one_hot(truth, self.classes).unsqueeze(1) - missed).argmax(dim=2)
                right += (predicted == truth.unsqueeze(1)).sum(dim=0)
                error += missed.square().sum(dim=(0, 2))
        return right / self.count, error / self.count

    def _missed(self, projected: Tensor, truth: Tensor) -> Tensor:
        """(b, P, C) true scores minus those that all other items give."""
        leverage = 1 / self.count + projected.square() @ self.shrink  # (b, P)
        missed = functional.one_hot(truth, self.classes).unsqueeze(1) - self._scores(projected)
        return missed / (1 - leverage).clamp_min(1e-12).unsqueeze(2)

    def _scores(self, projected: Tensor) -> Tensor:
        return (projected @ self.weights.flatten(1)).unflatten(1, self.weights.shape[1:]) + self.prior

    def _decompose(self, dimension: int) -> tuple[Tensor, Tensor]:
        """Right singular vectors (D, r) and squared singular values (r,) of the centred features."""
        if self.count > dimension:
            gram = sum(x.T @ x for x, _ in self.pieces()) - self.count * torch.outer(self.mean, self.mean)
            squares, basis = torch.linalg.eigh(gram)
            return basis, squares.clamp_min(0)
        x = torch.cat([x for x, _ in self.pieces()]) - self.mean
        squares, left = torch.linalg.eigh(x @ x.T)
        # Centring takes a dimension away: its eigenvalue is 0 but for rounding, and has no direction.
        kept = squares > squares[-1] * len(x) * torch.finfo(x.dtype).eps
        return (x.T @ left[:, kept]) / squares[kept].sqrt(), squares[kept]


def _class_sums(pieces: Iterable[tuple[Tensor, Tensor]], classes: int) -> tuple[Tensor, Tensor]:
    """Sum of the features (C, D) and number of items (C,) of each class."""
    sums, numbers = None, None
    for x, targets in pieces:
        if sums is None or numbers is None:
            sums, numbers = x.new_zeros(classes, x.shape[1]), x.new_zeros(classes)
        sums.index_add_(0, targets, x)
        numbers += targets.bincount(minlength=classes)
    if sums is None or numbers is None:
        raise ValueError("a ridge regression needs at least one item")
    return sums, numbers
