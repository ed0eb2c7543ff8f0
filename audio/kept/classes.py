"""Which classes views keep: what a linear classifier that knows sounds by their views tells apart."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from randquant.data.features import Features, Items
from randquant.errors import DataError
from randquant.probes import ridge


class Recalls(NamedTuple):
    """How well views are recognised: accuracy, and the recall of each class, in [0, 1]."""

    accuracy: float
    by_class: dict[str, float]


def recalls(embeddings: Tensor, items: Items, seed: int) -> Recalls | None:
    """Ridge regression on the views of training items, asked about the views of test items.

    Args:
        embeddings: (B, D) of the views.
        items: B, whose splits or folds say what is known and what is asked.
        seed: of the choice of the penalty.

    Returns:
        None where the items have no labels, or no splits or folds.
    """
    named = Items([f"{name} {row}" for row, name in enumerate(items.ids)], items.labels, items.groups, items.splits)
    try:
        found = ridge.evaluate(Features(embeddings.float().numpy(), **vars(named)), seed=seed)
    except DataError:
        return None
    right = (found.predictions == found.truth).mean(axis=0)
    by_class = {found.classes[each]: float(right[found.truth == each].mean()) for each in np.unique(found.truth)}
    return Recalls(found.numbers.accuracy, by_class)
