"""A few items of a store to look at, of classes as different as there are."""

from collections import defaultdict
from pathlib import Path

from randquant.data.store import Store
from randquant.errors import DataError


def examples(store: Store, count: int, match: str | None = None) -> list[int]:
    """Items to show: the first of classes spread over all, then their second, ...; items without labels are a class.

    Args:
        store: of any kind.
        count: at most so many.
        match: take only items whose path or label contains this, in any case.

    Raises:
        DataError: nothing matches.
    """
    by_class: dict[str, list[int]] = defaultdict(list)
    for row, (path, label) in enumerate(zip(store.column("path"), store.column("label"), strict=True)):
        if match is None or match.lower() in f"{path} {label or ''}".lower():
            by_class[label or ""].append(row)
    if not by_class:
        raise DataError(f'no path or label in {store.path} contains "{match}"; give another --match.')
    names = sorted(by_class)
    spread = [names[place * len(names) // min(count, len(names))] for place in range(min(count, len(names)))]
    deepest = max(len(by_class[name]) for name in spread)
    turns = [by_class[name][turn] for turn in range(deepest) for name in spread if turn < len(by_class[name])]
    return turns[:count]


def title(store: Store, row: int) -> str:
    """A short name of an item: its label, or its file's."""
    return str(store.column("label")[row] or Path(store.column("path")[row]).stem)[:18]
