"""Stratified folds of the training items, to choose a setting on: balanced classes, whole groups."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.errors import DataError


def stratified_folds(
    targets: NDArray[np.int64],
    groups: Sequence[str | None],
    count: int,
    *,
    seed: int,
    classes: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """Deal items to folds, class after class.

    Items without a group are assigned one by one, so that two folds differ by at most one item in a class and in all.
    A group goes as a whole, the largest first, to the fold that holds the fewest items of its most frequent class.

    Args:
        targets: (n,) class ids from 0.
        groups: (n,) what must stay together, None where an item stands alone.
        count: folds, at least 2.
        seed: of the order in which items are assigned.
        classes: names, for the sentence of an error.

    Returns:
        (n,) fold of each item, from 0 to count - 1.

    Raises:
        DataError: a class has fewer items (or groups) than there are folds, so a fold would lack it.
    """
    if count < 2:
        raise ValueError(f"count needs to be at least 2, got {count}")
    units = _units(groups)
    label = np.array([np.bincount(targets[unit]).argmax() for unit in units], dtype=np.int64)
    _require_enough(targets, units, label, count, classes)
    order = torch.randperm(len(units), generator=torch.Generator().manual_seed(seed)).numpy()
    # Class after class, the largest unit first, equals in the order drawn.
    order = order[np.lexsort((-np.array([len(units[place]) for place in order]), label[order]))]
    folds = np.empty(len(targets), dtype=np.int64)
    held = np.zeros((count, int(targets.max()) + 1), dtype=np.int64)
    for place in order:
        # Of equally filled folds the one with the fewest items in all.
        fold = np.lexsort((held.sum(axis=1), held[:, label[place]]))[0]
        folds[units[place]] = fold
        held[fold] += np.bincount(targets[units[place]], minlength=held.shape[1])
    return folds


def _units(groups: Sequence[str | None]) -> list[NDArray[np.int64]]:
    """Positions of what is assigned together: a group, or one item."""
    together: dict[str, list[int]] = {}
    alone: list[list[int]] = []
    for position, group in enumerate(groups):
        (alone.append([position]) if group is None else together.setdefault(group, []).append(position))
    return [np.array(unit, dtype=np.int64) for unit in [*alone, *together.values()]]


def _require_enough(
    targets: NDArray[np.int64],
    units: Sequence[NDArray[np.int64]],
    label: NDArray[np.int64],
    count: int,
    classes: Sequence[str] | None,
) -> None:
    dealt = np.bincount(label, minlength=int(targets.max()) + 1)
    present = np.bincount(targets) > 0
    short = np.flatnonzero(present & (dealt < count))
    if len(short):
        name = str(short[0]) if classes is None else classes[short[0]]
        if len(units) == len(targets):
            needed, found, kind = "training items", f'"{name}" has {dealt[short[0]]}', "items"
        else:
            holding = sum(short[0] in targets[unit] for unit in units)
            needed, kind = "groups of training items", "groups"
            found = f'"{name}" is the most frequent class in {dealt[short[0]]} of the {holding} that hold it'
        raise DataError(
            f"{count} folds need at least {count} {needed} in every class, but {found}; "
            f"take fewer --folds, or add {kind} of that class."
        )
