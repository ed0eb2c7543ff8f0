"""The share of a published dataset that a store holds, to be stated with results."""

from collections.abc import Mapping
from typing import Any


def coverage(source: Mapping[str, Any] | None, counts: Mapping[str, int]) -> dict[str, Any]:
    """Compare the items of a store with the published numbers.

    Args:
        source: what the store says of where it comes from; `published` and `found` are numbers of items by split
            (or one number under "all"), and `split_source` says who made the splits.
        counts: items in the store by split or fold; "unused" are in none.

    Returns:
        JSON-ready: `published`, `found` (before decoding), `in_store`, `split_source`, `complete` (None where nothing
        is published) and `differs`, in words, where it is not complete, else None.

    >>> coverage({"published": {"train": 8, "test": 2}}, {"train": 8, "valid": 0, "test": 1, "unused": 0})["differs"]
    'test 1 of 2'
    """
    source = source or {}
    published = {name: int(count) for name, count in (source.get("published") or {}).items()}
    in_store = {name: int(count) for name, count in counts.items()}
    differs = [
        f"{name} {held:,} of {count:,}" for name, count in published.items() if (held := _held(in_store, name)) != count
    ]
    return {
        "published": published or None,
        "found": source.get("found"),
        "in_store": in_store,
        "split_source": source.get("split_source"),
        "complete": not differs if published else None,
        "differs": ", ".join(differs) or None,
    }


def _held(in_store: Mapping[str, int], name: str) -> int:
    return sum(in_store.values()) if name == "all" else in_store.get(name, 0)
