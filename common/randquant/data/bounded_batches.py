"""Items of any size in batches that are bounded by their sizes together, and so by memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def bounded(items: Iterable[_Item], size: Callable[[_Item], int], most: int) -> Iterator[list[_Item]]:
    """Items in their order, in lists of at most `most` together; an item that is larger is alone.

    >>> list(bounded([3, 1, 2, 9, 1], lambda item: item, 5))
    [[3, 1], [2], [9], [1]]
    """
    batch: list[_Item] = []
    total = 0
    for item in items:
        if batch and total + size(item) > most:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
