"""The candidates for what a training that began with weights hands over, and which of them is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

MOST = 0.25  # of the way: the signal rises on beyond it, where classifiers may lose what the start knew


@dataclass(frozen=True)
class Candidate:
    """Weights between start and end, and what is known of them without labels.

    Attributes:
        share: of the way from the start to the end.
        found: share of the views of items set aside whose nearest other view is their sibling.
        change: of `found` against the start.
        half_width: of the 95 % interval of the change, paired by recording or object.
        likeness: mean cosine of an item's embedding with that of the start, both centred.
    """

    share: float
    found: float
    change: float
    half_width: float
    likeness: float

    @property
    def better(self) -> bool:
        """Beyond its interval."""
        return self.change > self.half_width


def candidate(share: float, hits: Tensor, of_start: Tensor, likeness: float) -> Candidate:
    """A candidate by its hits (groups,) in [0, 1], the mean of each group, and those of the start."""
    changes = (hits - of_start).double()
    half_width = 1.96 * float(changes.std()) / len(changes) ** 0.5
    return Candidate(share, float(hits.double().mean()), float(changes.mean()), half_width, likeness)


def best(candidates: Sequence[Candidate]) -> Candidate:
    """The one with the strongest signal among those that are better than the start beyond their interval, or the start.

    None beyond `MOST` is taken. Of equal ones the nearest to the start is.
    """
    start = min(candidates, key=lambda each: each.share)
    better = [each for each in candidates if each.better and each.share <= MOST]
    return max(better, key=lambda each: (each.found, -each.share), default=start)
