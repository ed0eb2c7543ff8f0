"""The share of a published dataset that a store holds, to be stated with results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from randquant.files.json_record import Json, Record


@dataclass(frozen=True, kw_only=True)
class Coverage(Record):
    """The items of a store next to the published numbers.

    Attributes:
        published: items by split, or one number under "all"; None where nothing is published.
        found: files before decoding.
        in_store: items by split or fold; "unused" are in none.
        split_source: who made the splits.
        complete: whether the numbers agree; None where nothing is published.
        differs: where they do not, in words.
    """

    published: dict[str, int] | None
    found: Mapping[str, Json] | None
    in_store: dict[str, int] = field(default_factory=dict)
    split_source: str | None
    complete: bool | None
    differs: str | None


NOT_SAID = Coverage(published=None, found=None, split_source=None, complete=None, differs=None)


def coverage(source: Mapping[str, Any] | None, counts: Mapping[str, int]) -> Coverage:
    """Compare the items of a store with the published numbers.

    Args:
        source: what the store says of where it comes from, with `published`, `found` and `split_source`.
        counts: items in the store by split or fold; "unused" are in none.

    >>> coverage({"published": {"train": 8, "test": 2}}, {"train": 8, "valid": 0, "test": 1, "unused": 0}).differs
    'test 1 of 2'
    """
    source = source or {}
    published = {name: int(count) for name, count in (source.get("published") or {}).items()}
    in_store = {name: int(count) for name, count in counts.items()}
    differs = [
        f"{name} {held:,} of {count:,}" for name, count in published.items() if (held := _held(in_store, name)) != count
    ]
    return Coverage(
        published=published or None,
        found=source.get("found"),
        in_store=in_store,
        split_source=source.get("split_source"),
        complete=not differs if published else None,
        differs=", ".join(differs) or None,
    )


def _held(in_store: Mapping[str, int], name: str) -> int:
    return sum(in_store.values()) if name == "all" else in_store.get(name, 0)
