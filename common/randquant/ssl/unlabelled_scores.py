"""What embeddings of two views of the same items say of an encoder without labels; higher is meant to be better."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from randquant.ssl.collapse import effective_rank

_FLOOR = 1e-4  # of the mean variance within items, added to every direction of it
_LEAST = 1e-12  # added too, since equal views have none


def identified(one: Tensor, other: Tensor) -> float:
    """Share of n items whose view is nearest, by cosine, to the item's own other view; both ways, in [0, 1].

    Each number is standardised over both views first, since the numbers of a young encoder differ in size.

    Args:
        one, other: (n, D) embeddings of two views of the same items, in one order; likewise below.

    >>> identified(torch.eye(4), torch.eye(4))
    1.0
    """
    first, second = (functional.normalize(each, dim=1) for each in _standardised(one, other))
    cosines = first @ second.T
    own = torch.arange(len(one), device=cosines.device)
    return float(torch.stack([(cosines.argmax(dim=dim) == own).double().mean() for dim in (0, 1)]).mean())


def alignment(one: Tensor, other: Tensor) -> float:
    """Minus the mean squared distance of an item's normalised views; at most 0.

    Source: Wang and Isola, ICML 2020.
    """
    first, second = (functional.normalize(each.double(), dim=1) for each in (one, other))
    return -float((first - second).square().sum(dim=1).mean())


def uniformity(one: Tensor, other: Tensor) -> float:
    """Minus the logarithm of the mean Gaussian potential of two items' normalised views; at least 0.

    Source: Wang and Isola, ICML 2020, t = 2.
    """
    distances = torch.cat([torch.pdist(functional.normalize(each.double(), dim=1)) for each in (one, other)])
    return -float((-2 * distances.square()).exp().mean().log())


def rank(one: Tensor, other: Tensor) -> float:
    """Effective rank of all views, as in RankMe (Garrido et al., ICML 2023), centred."""
    return float(effective_rank(torch.cat([one, other])))


def lidar(one: Tensor, other: Tensor) -> float:
    """Effective rank of items among the variance within them: of the scatter between them, whitened by that within.

    Source: Thilak et al., LiDAR, ICLR 2024, of two views an item.
    """
    first, second = _standardised(one, other)
    middle = (first + second) / 2
    apart = torch.cat([first - middle, second - middle])
    within = apart.T @ apart / len(apart)
    within += (_FLOOR * within.diagonal().mean() + _LEAST) * torch.eye(len(within)).to(within)
    values, vectors = torch.linalg.eigh(within)
    whitened = (middle - middle.mean(dim=0)) @ vectors / values.clamp(min=torch.finfo(values.dtype).tiny).sqrt()
    strengths = torch.linalg.svdvals(whitened).square()
    return float(torch.special.entr(strengths / strengths.sum()).sum().exp())


SCORES: Mapping[str, Callable[[Tensor, Tensor], float]] = {
    "alignment": alignment,
    "uniformity": uniformity,
    "rank": rank,
    "lidar": lidar,
    "identified": identified,
}


def _standardised(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Each number with mean 0 and deviation 1 over both views, in float64; one that is constant is 0."""
    both = torch.cat([one, other]).double()
    deviation, mean = torch.std_mean(both, dim=0, correction=0)
    scaled = (both - mean) / deviation.clamp(min=1e-12)
    return scaled[: len(one)], scaled[len(one) :]
