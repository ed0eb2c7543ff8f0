"""The first pass over a table: its rows, their labels and their splits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from randquant.cli.progress import bar
from randquant.data.store import is_fold
from randquant.data_prep.tables.labels import Labels, Targets, group_numbers
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.splits import NONE, NamedSplits, Shares, Splits
from randquant.errors import DataError


@dataclass(frozen=True)
class Roles:
    """What is known of the rows before their numbers are read.

    Attributes:
        rows: n.
        splits: of the rows.
        targets: what was found of the numbers to predict, None where there are none.
        unlabelled: rows without label or target.
    """

    rows: int
    splits: Splits
    targets: Targets | None
    unlabelled: int


def read_roles(plan: TablePlan) -> Roles:
    """Read the columns of label, target, split and group, and decide on the splits.

    Raises:
        DataError: a column does not hold what it should, or there are no rows.
    """
    path = plan.file.path
    labels = None if plan.label is None else Labels(path, plan.label)
    targets = None if plan.target is None else Targets(path, plan.target, plan.decimal)
    named = None if plan.split is None else NamedSplits(path, plan.split)
    groups: list[NDArray[np.int64]] = []
    given: list[NDArray[np.bool_]] = []
    rows = 0
    with bar(label="counting", unit="rows") as shown:
        for batch in plan.file.batches(plan.roles or plan.features[:1]):
            rows += batch.num_rows
            for collector, name in ((labels, plan.label), (targets, plan.target), (named, plan.split)):
                if collector is not None and name is not None:
                    collector.add(batch.column(name))
            if targets is not None and plan.target is not None:
                given.append(~np.isnan(targets.numbers(batch.column(plan.target))))
            if plan.group is not None:
                groups.append(group_numbers(batch.column(plan.group), path, plan.group))
            shown.update(batch.num_rows)
    if not rows:
        raise DataError(f"{path} has no rows; check it.")
    classes = None if labels is None else labels.codes()
    if targets is not None:
        targets.require()
        classes = np.where(np.concatenate(given), 0, NONE).astype(np.int32)
    splits = _splits(plan, rows, classes, named, groups)
    return Roles(rows, splits, targets, 0 if classes is None else int((classes == NONE).sum()))


def _splits(
    plan: TablePlan,
    rows: int,
    classes: NDArray[np.int32] | None,
    named: NamedSplits | None,
    groups: list[NDArray[np.int64]],
) -> Splits:
    published = None if plan.rule is None else plan.rule(rows)
    if published is not None:
        return published
    found = _drawn(plan.shares, rows, classes, groups) if named is None else named.splits()
    if classes is not None:
        found.places[classes == NONE] = NONE
    if not found.training.any():
        raise DataError(f"{plan.file.path} has too few rows, so that none is left to train on; add rows.")
    return replace(found, notes=[*found.notes, *_remarks(found, classes, groups)])


def _remarks(found: Splits, classes: NDArray[np.int32] | None, groups: list[NDArray[np.int64]]) -> Iterator[str]:
    """What makes scores of these splits impossible or too good."""
    numbers = np.concatenate(groups) if groups else np.empty(0, np.int64)
    held = np.flatnonzero((numbers != NONE) & (found.places[: len(numbers)] != NONE))
    pairs = np.unique(np.stack([numbers[held], found.places[held].astype(np.int64)]), axis=1)
    torn = int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())
    if torn:
        yield f"{torn:,} groups lie in several splits, so what is tested was partly seen in training"
    present = {found.names[place] for place in np.unique(found.places) if place != NONE}
    if classes is not None and "test" not in present and not any(map(is_fold, present)):
        yield "no row is for the test, so nothing can be scored on this store"


def _drawn(shares: Shares, rows: int, classes: NDArray[np.int32] | None, groups: list[NDArray[np.int64]]) -> Splits:
    if not groups:
        return shares.by_class(classes, rows)
    numbers = np.concatenate(groups)
    alone = numbers == NONE
    numbers[alone] = -2 - np.flatnonzero(alone)  # each a group of its own
    return shares.by_group(numbers, classes)
