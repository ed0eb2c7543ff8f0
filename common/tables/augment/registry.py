"""The augmentations and operations of tables by name."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from randquant.augmentation import Augmentation
from randquant.policies.strength import Strength
from randquant.tables.augment.column_quantization import ColumnQuantization
from randquant.tables.augment.input_drop import RandomInputDrop
from randquant.tables.settings import Over


class AugmentationSettings(Protocol):
    """The settings of a training that augmentations are made from."""

    rq_bins: list[int]
    rq_p: float
    rq_over: Over
    input_drop: float


# In the order they are applied; the second argument are the quantiles of the columns, which some do not need.
AUGMENTATIONS: dict[str, Callable[[AugmentationSettings, Tensor | None], Augmentation]] = {
    "rq": lambda settings, quantiles: ColumnQuantization(
        (settings.rq_bins[0], settings.rq_bins[-1]), settings.rq_p, settings.rq_over, quantiles
    ),
    "drop": lambda settings, _: RandomInputDrop(settings.input_drop),
}

# What a random choice among operations chooses from: a name, and how a strength becomes an augmentation.
OPERATIONS: dict[str, Callable[[AugmentationSettings, Strength, Tensor | None], Augmentation]] = {
    "rq": lambda settings, strength, quantiles: ColumnQuantization(
        strength.bins(256, 4), 1.0, settings.rq_over, quantiles
    ),
    "drop": lambda settings, strength, _: RandomInputDrop(strength.span(0.0, 0.5)),
}
