"""Items by label and split, as a table of text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from randquant.results.text_table import text_table


def by_label(labels: Iterable[str | None], splits: Iterable[str | None]) -> dict[str, Counter[str]]:
    """How many items of each label are in each split; those without a label are passed over."""
    counts: dict[str, Counter[str]] = {}
    for label, split in zip(labels, splits, strict=True):
        if label is not None:
            counts.setdefault(label, Counter())[split or "none"] += 1
    return dict(sorted(counts.items()))


def label_table(
    counts: Mapping[str, Mapping[str, int]], splits: Sequence[str], *, most: int, hint: str = "", total: bool = False
) -> list[str]:
    """How many items of each label are in each split; no lines where there are no labels.

    Args:
        counts: by label, then by split.
        splits: the columns.
        most: labels that are shown; the others are counted.
        hint: where all of them are listed, after "… more labels".
        total: whether a last row sums up all labels.
    """
    if not counts:
        return []
    rows = [[label, *(f"{counts[label].get(split, 0):,}" for split in splits)] for label in list(counts)[:most]]
    if len(counts) > most:
        rows.append([f"… and {len(counts) - most:,} more labels{hint}", *("" for _ in splits)])
    if total:
        rows.append(["all", *(f"{sum(each.get(split, 0) for each in counts.values()):,}" for split in splits)])
    return [f"  {line}" for line in text_table(["label", *splits], rows)]
