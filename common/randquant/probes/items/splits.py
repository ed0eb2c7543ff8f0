"""Which items a probe fits, chooses and scores on, and the class ids it predicts."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.data.features import Items
from randquant.data.store import is_fold
from randquant.errors import DataError

_ROLES = ("train", "valid", "test")
_CHANGED = " changed"


@dataclass(frozen=True)
class Assignment:
    """Rows of features by role.

    Attributes:
        train: rows to fit on.
        valid: rows to choose on; None where the data name none, and a part of `train` has to be held out.
        test: rows to score.
        classes: names, sorted; class id c is `classes[c]`. They are the classes of `train`.
        targets: (n,) class id of each row of the features, -1 where it plays no role.
        name: of the fold that is scored, None where there are no folds.
        lent: rows of `test` that other folds train on; None where these are all of them, or there are no folds.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64] | None
    test: NDArray[np.int64]
    classes: list[str]
    targets: NDArray[np.int64]
    name: str | None = None
    lent: NDArray[np.int64] | None = None

    @property
    def majority(self) -> int:
        """The class id most frequent in train, the first of equals."""
        return int(np.bincount(self.targets[self.train]).argmax())

    def parts(self, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to fit on and to choose on; drawn by `seed` where the data have no validation split."""
        if self.valid is not None:
            return self.train, self.valid
        return hold_out(self.train, self.targets, seed=seed)


def assignments(items: Items) -> list[Assignment]:
    """One assignment for items with splits train, valid and test, or one a fold for fold1 ... foldN.

    With folds each in turn is scored by what was fitted on the others; there is no validation split. A fold without
    items is left out, so partial data are cross-validated over the folds that are there.

    Raises:
        DataError: as `assign`; also folds mixed with other splits, items in one fold only, or a class that occurs in
            one fold only, since nothing could learn it for that fold.
    """
    folds = sorted(filter(is_fold, set(items.splits)), key=_fold_number)
    if not folds:
        return [assign(items)]
    other = next((name for name in items.splits if name in _ROLES), None)
    if other is not None:
        raise DataError(
            f'A split is either one of folds or one of train, valid and test, but there are items in "{folds[0]}" and '
            f'in "{other}"; prepare the data with one of the two.'
        )
    if len(folds) == 1:
        raise DataError(
            f'Cross-validation needs items in at least two folds, but all are in "{folds[0]}"; prepare the other folds.'
        )
    rows = {name: items.select(name) for name in folds}
    changed = {name: items.select(asked_only(name)) for name in folds}
    asked = {name: np.concatenate([rows[name], changed[name]]) for name in folds}
    _require_labels(items, asked)
    classes = _classes(items, np.concatenate(list(rows.values())))
    targets = _targets(items, asked, classes)
    _require_two_folds(items, rows, targets, classes)
    return [_fold(rows, changed[name], name, classes, targets) for name in folds]


def asked_only(split: str) -> str:
    """The split of an item that is scored with those of `split` and never trained on.

    >>> asked_only("fold2"), asked_only("test")
    ('fold2 changed', 'test')
    """
    return split + _CHANGED if is_fold(split) else split


def assign(items: Items) -> Assignment:
    """Read splits and labels.

    Classes that occur in training but not in validation or test are fine (NSynth has one).

    Raises:
        DataError: no train or test items, an unlabelled item in use, fewer than two classes, or a label in
            validation or test that training lacks.
    """
    rows = {name: items.select(name) for name in _ROLES}
    _require_items(rows)
    _require_labels(items, rows)
    classes = _classes(items, rows["train"])
    targets = _targets(items, rows, classes)
    return Assignment(rows["train"], rows["valid"] if len(rows["valid"]) else None, rows["test"], classes, targets)


def official_train(items: Items) -> Items:
    """The same items with those of validation back in train, so that a probe holds out its own of both.

    For data whose published split is train and test alone: what was taken from train to choose a pretraining on is
    train again when the published number is to be met.
    """
    return replace(items, splits=["train" if split == "valid" else split for split in items.splits])


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


def _fold_number(name: str) -> int:
    return int(name.removeprefix("fold"))


def _fold(
    rows: dict[str, NDArray[np.int64]],
    changed: NDArray[np.int64],
    name: str,
    classes: list[str],
    targets: NDArray[np.int64],
) -> Assignment:
    train = np.sort(np.concatenate([selected for other, selected in rows.items() if other != name]))
    if not len(changed):
        return Assignment(train, None, rows[name], classes, targets, name)
    return Assignment(train, None, np.concatenate([rows[name], changed]), classes, targets, name, rows[name])


def _classes(items: Items, rows: NDArray[np.int64]) -> list[str]:
    classes = sorted({str(items.labels[row]) for row in rows})
    if len(classes) < 2:
        raise DataError(
            f'A probe needs at least two classes, but every train item is "{classes[0]}"; check the labels.'
        )
    return classes


def _require_two_folds(
    items: Items, rows: dict[str, NDArray[np.int64]], targets: NDArray[np.int64], classes: list[str]
) -> None:
    present = {name: np.bincount(targets[selected], minlength=len(classes)) > 0 for name, selected in rows.items()}
    lonely = np.sum(list(present.values()), axis=0) == 1
    for name, selected in rows.items():
        row = next((row for row in selected if lonely[targets[row]]), None)
        if row is not None:
            raise DataError(
                f'All items labelled "{items.labels[row]}" ("{items.ids[row]}") are in {name}, so nothing can learn '
                "that class when this fold is scored; prepare more folds, or leave the class out."
            )


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
