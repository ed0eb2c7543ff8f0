"""A labelled store as a task: classes, or numbers to predict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from randquant.data import labelled_store
from randquant.data.features import Items
from randquant.data.labelled_store import folds_of, items_of, split_counts
from randquant.data.store import Store
from randquant.errors import DataError


@dataclass(frozen=True)
class LabelledTask:
    """A store whose items have labels, and splits or folds.

    Attributes:
        name: of the dataset where the store names it, else the store's folder name.
        store: the data.
        items: its manifest; where numbers are to be predicted, these are the labels, as text.
        numbers: whether they are.
    """

    name: str
    store: Store
    items: Items
    numbers: bool = False

    @property
    def folds(self) -> list[str]:
        """The folds of a cross-validated task, "fold1" first; empty where there are splits instead."""
        return folds_of(self.items.splits)

    def counts(self) -> dict[str, int]:
        """Items by split, or by fold where the task is cross-validated; "unused" are those in none."""
        return split_counts(self.items.splits)


def open_task(path: str | Path, *, kind: str, aliases: Mapping[str, str] | None = None) -> LabelledTask:
    """Open a store as a task.

    Args:
        path: of the store.
        kind: that it has to be of.
        aliases: other names of datasets.

    Raises:
        DataError: no store of this kind is there, or it has neither training items nor folds.
    """
    store = Store.open(path, kind=kind)
    items, numbers = items_of(store), bool(store.info.get("table", {}).get("target"))
    if numbers:
        found = [None if number is None else repr(number) for number in store.column("target")]
        items = replace(items, labels=found)
    task = LabelledTask(labelled_store.task_name(store, aliases), store, items, numbers)
    if not task.folds and not len(task.items.select("train")):
        raise DataError(
            f'{store.path} has no items with split "train", so nothing can be learnt from it; '
            "prepare it with labels and splits."
        )
    return task
