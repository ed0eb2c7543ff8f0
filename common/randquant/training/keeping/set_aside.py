"""A source of which some recordings or objects are not trained on, so that weights are compared by what is new to them.

It needs no labels: a tenth of the groups at random, the same ones for the same seed.
"""

import numpy as np
from numpy.typing import NDArray

from randquant.training.batches import Raw, Source

SHARE, FEWEST = 0.1, 20  # of the groups, and groups below which a share of hits says nothing


class SetAside:
    """A source without the positions that are set aside.

    Args:
        source: with at least 2 * `FEWEST` groups, else all are trained on.
        batch_size: items that an epoch keeps at least; without them all are trained on.
        seed: of the choice.

    Attributes:
        held: positions of the source that are set aside, in rising order; none where there are too few.
    """

    def __init__(self, source: Source, *, batch_size: int, seed: int) -> None:
        self.source = source
        groups = source.groups(np.arange(len(source)))
        names = np.unique(groups)
        count = max(round(SHARE * len(names)), FEWEST)
        chosen = np.random.default_rng([seed, len(names)]).permutation(names)[:count]
        self._is_held = np.isin(groups, chosen)
        if 2 * count > len(names) or len(source) - self._is_held.sum() < batch_size:
            self._is_held[:] = False
        self.held = np.flatnonzero(self._is_held)

    def __len__(self) -> int:
        return len(self.source) - len(self.held)

    def order(self, generator: np.random.Generator) -> NDArray[np.integer]:
        """The source's own order without what is set aside."""
        order = self.source.order(generator)
        return order[~self._is_held[order]] if len(self.held) else order

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Raw:
        """As the source."""
        return self.source.fetch(positions, epoch)

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """As the source."""
        return self.source.groups(positions)
