"""Which items a probe fits, chooses and scores on, and the class ids it predicts."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.errors import DataError
from randquant.features import Items


@dataclass(frozen=True)
class Assignment:
    """Rows of features by role.

    Attributes:
        train: rows to fit on.
        valid: rows to choose on; None where the data name none, and a part of `train` has to be held out.
        test: rows to score.
        classes: names, sorted; class id c is `classes[c]`. They are the classes of `train`.
        targets: (n,) class id of each row of the features, -1 where it plays no role.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64] | None
    test: NDArray[np.int64]
    classes: list[str]
    targets: NDArray[np.int64]

    def parts(self, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to fit on and to choose on; drawn by `seed` where the data have no validation split."""
        if self.valid is not None:
            return self.train, self.valid
        return hold_out(self.train, self.targets, seed=seed)


def assign(items: Items) -> Assignment:
    """Read splits and labels.

    Classes that occur in training but not in validation or test are fine (NSynth has one).

    Raises:
        DataError: no train or test items, an unlabelled item in use, fewer than two classes, or a label in
            validation or test that training lacks.
    """
    rows = {name: items.select(name) for name in ("train", "valid", "test")}
    _require_items(rows)
    _require_labels(items, rows)
    classes = sorted({str(items.labels[row]) for row in rows["train"]})
    if len(classes) < 2:
        raise DataError(
            f'A probe needs at least two classes, but every train item is "{classes[0]}"; check the labels.'
        )
    targets = _targets(items, rows, classes)
    return Assignment(rows["train"], rows["valid"] if len(rows["valid"]) else None, rows["test"], classes, targets)


def hold_out(
    rows: NDArray[np.int64], targets: NDArray[np.int64], *, seed: int, share: float = 0.1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take a random `share` of `rows` for validation, with every class on both sides.

    One item of each class that has two or more comes first, the rest at random; a class with one item stays
    in train. BYOL-A v1 draws until that holds by luck; here it holds at once.

    Returns:
        Rows to train on and rows to choose on, both ascending.
    """
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).numpy()
    labels = targets[rows[order]]
    rank = _rank_within_class(labels)  # 0 for the first item of a class in this order
    counts = np.bincount(labels)[labels]
    # Rank 0 of a class goes to validation, its last never does; the random order breaks all other ties.
    preference = np.where(rank == 0, 0, 1)
    preference[rank == counts - 1] = 2
    wanted = max(round(share * len(rows)), int((preference == 0).sum()))
    wanted = min(wanted, int((preference < 2).sum()))
    if wanted == 0:
        raise DataError(
            "No class has two train items, so none can be held out to choose on; add items or a valid split."
        )
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[order[np.argsort(preference, kind="stable")[:wanted]]] = True
    return np.sort(rows[~chosen]), np.sort(rows[chosen])


def _rank_within_class(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    by_class = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[by_class], labels[by_class])
    rank = np.empty(len(labels), dtype=np.int64)
    rank[by_class] = np.arange(len(labels)) - starts
    return rank


def _require_items(rows: dict[str, NDArray[np.int64]]) -> None:
    for name in ("train", "test"):
        if not len(rows[name]):
            raise DataError(
                f'A probe needs items with split "train" and "test", but none is "{name}"; '
                "prepare the data with a split column."
            )


def _require_labels(items: Items, rows: dict[str, NDArray[np.int64]]) -> None:
    for name, selected in rows.items():
        missing = next((row for row in selected if items.labels[row] is None), None)
        if missing is not None:
            raise DataError(
                f'Every item of a probe needs a label, but "{items.ids[missing]}" ({name}) has none; '
                "prepare the data with a label column."
            )


def _targets(items: Items, rows: dict[str, NDArray[np.int64]], classes: list[str]) -> NDArray[np.int64]:
    targets = np.full(len(items), -1, dtype=np.int64)
    number = {name: index for index, name in enumerate(classes)}
    for name, selected in rows.items():
        for row in selected:
            label = str(items.labels[row])
            if label not in number:
                raise DataError(
                    f'The {name} split has the label "{label}" ("{items.ids[row]}"), which train lacks; '
                    "correct the label or move items of that class to train."
                )
            targets[row] = number[label]
    return targets
