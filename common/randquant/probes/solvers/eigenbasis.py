"""Features rotated onto the eigenvectors of their Gram matrix, where linear classifiers are fitted in few steps.

Rotating changes no penalised optimum, but there the loss curves along each coordinate by about that coordinate's mean
square, so that one division a coordinate makes all directions alike; and what a penalty leaves without weight is the
coordinates at the end, which are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

# Of the penalty. Axes of smaller mean squares would together move the outputs by a root mean square of at most this
# share of that of the loss's slopes by the outputs, since their weights at the optimum are correlations of axes and
# slopes over the penalty, and the squared correlations of all axes add up to at most 1.
_NEGLIGIBLE = 1e-3
_CHUNK = 4096  # rows rotated at a time
_BLOCKS = 4  # of columns, whose products with those before them are not computed


def decompose(pieces: Callable[[], Iterable[Tensor]], count: int, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Right singular vectors (D, r) and squared singular values (r,), ascending, of features less `mean` (D,).

    Args:
        pieces: gives, each time it is called, all rows as (b, D), in the dtype in which their products are taken.
        count: how many rows there are.
        mean: taken out of each row; in float64 too the products of which cancel.
    """
    if count > len(mean):
        gram = _products(pieces(), mean) - count * torch.outer(mean, mean)
        squares, basis = torch.linalg.eigh(gram)
        return basis, squares.clamp_min(0)
    x = torch.cat(list(pieces())) - mean
    squares, left = torch.linalg.eigh(x @ x.T)
    # Centring takes a dimension away: its eigenvalue is 0 but for rounding, and has no direction.
    kept = squares > squares[-1] * len(x) * torch.finfo(x.dtype).eps
    return (x.T @ left[:, kept]) / squares[kept].sqrt(), squares[kept]


def _products(pieces: Iterable[Tensor], mean: Tensor) -> Tensor:
    """(D, D) sum over rows of their outer products; of those that mirror each other most are computed once."""
    gram = torch.zeros(len(mean), len(mean), dtype=mean.dtype, device=mean.device)
    width = -(-len(mean) // _BLOCKS)
    for x in pieces:
        for start in range(0, len(mean), width):
            gram[start : start + width, start:].addmm_(x[:, start : start + width].T, x[:, start:])
    return gram.triu() + gram.triu(1).T


@dataclass(frozen=True)
class Eigenbasis:
    """Axes (D, r), float32, and the mean squares (r,) of the features along them, descending."""

    axes: Tensor
    squares: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "Eigenbasis":
        """Of rows (n, D), taken as they are."""
        # Few rows are cheap, and their axes come out of a division, which float32 leaves askew.
        rows = x.double() if len(x) <= x.shape[1] else x
        axes, squares = decompose(lambda: rows.split(_CHUNK), len(x), rows.new_zeros(x.shape[1]))
        return cls(axes.flip(1).float(), squares.flip(0).float() / len(x))

    def rotate(self, x: Tensor) -> Tensor:
        """Rows (n, D) along the axes, (n, r)."""
        rotated = x.new_empty(len(x), self.axes.shape[1])
        for piece, out in zip(x.split(_CHUNK), rotated.split(_CHUNK), strict=True):
            torch.mm(piece, self.axes, out=out)
        return rotated

    def count(self, penalty: float) -> int:
        """How many of the first axes matter under a penalty / 2 * |weights|^2 beside a mean loss; at least one."""
        return max(1, int((self.squares > _NEGLIGIBLE * penalty).sum()))
