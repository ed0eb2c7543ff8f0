"""The share of a published dataset that a store holds, to be stated with results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from randquant.files.json_record import Json, Record


@dataclass(frozen=True, kw_only=True)
class Coverage(Record):
    """The items of a store next to the published numbers."""

    published: dict[str, int] | None  # items by split, or one number under "all"; None where nothing is published
    found: Mapping[str, Json] | None  # files before decoding
    in_store: dict[str, int] = field(default_factory=dict)  # items by split or fold; "unused" are in none
    split_source: str | None  # who made the splits
    complete: bool | None  # whether the numbers agree; None where nothing is published
    differs: str | None  # where they do not, in words


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
    held = {**in_store, "all": sum(in_store.values())}
    wrong = {name: count for name, count in published.items() if held.get(name, 0) != count}
    differs = [f"{name} {held.get(name, 0):,} of {count:,}" for name, count in wrong.items()]
    return Coverage(
        published=published or None,
        found=source.get("found"),
        in_store=in_store,
        split_source=source.get("split_source"),
        complete=not differs if published else None,
        differs=", ".join(differs) or None,
    )
