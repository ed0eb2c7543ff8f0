"""A labelled store as a task: its name and its splits."""

from collections.abc import Mapping, Sequence
from typing import Any

from randquant.data.features import Items
from randquant.data.store import Store, is_fold

# What a store's source says of data without a published name.
_UNNAMED = (None, "labelled", "folder", "images", "hf", "webdataset", "kaldi")


def source_of(store: Store) -> Mapping[str, Any]:
    """The `source` of a store; empty if it states none."""
    source = store.info.get("source")
    return source if isinstance(source, dict) else {}


def items_of(store: Store) -> Items:
    """Ids, labels, groups and splits of a store."""
    return Items(*(store.column(column) for column in ("path", "label", "group", "split")))


def task_name(store: Store, aliases: Mapping[str, str] | None = None) -> str:
    """The dataset's name as the store records it, else its folder's name; `aliases` are resolved."""
    recorded = source_of(store).get("dataset")
    name = str(recorded) if recorded not in _UNNAMED else store.path.resolve().name
    return (aliases or {}).get(name, name)


def folds_of(splits: Sequence[str | None]) -> list[str]:
    """The folds of a cross-validated task, "fold1" first; empty for tasks with splits."""
    found = {split for split in set(splits) if is_fold(split)}
    return sorted(found, key=lambda name: int(name.removeprefix("fold")))


def split_counts(splits: Sequence[str | None]) -> dict[str, int]:
    """Items by split, or by fold where the task is cross-validated; "unused" are those in none."""
    counts = {name: list(splits).count(name) for name in folds_of(splits) or ("train", "valid", "test")}
    return {**counts, "unused": len(splits) - sum(counts.values())}
