"""The summary of a store: its size, its share of the published dataset, and what was left out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from randquant.audio.levels import COUNTED, TRACKS, count_levels, levels_line
from randquant.audio.samples import assumed_rate, count_arrays
from randquant.cli.counted import counted
from randquant.data.coverage import coverage
from randquant.data.store import SPLITS, Store
from randquant.data_prep.examine.tables import by_label, label_table
from randquant.data_prep.notes import READING, THINGS, plan_notes, reading_notes
from randquant.data_prep.shapes import BY_FORMAT, UP_BY_FORMAT
from randquant.data_prep.tables.summary import table_lines
from randquant.images.stored_images import StoredImages

_SHOWN = 20  # labels and skipped files; store.json has them all


def summary(store: Store) -> list[str]:
    """The lines that `prepare` ends with."""
    skipped = store.info["skipped"]
    lines = [f"{store.path}: {_amount(store)}, {len(skipped):,} skipped"]
    if store.info.get("file_up") == BY_FORMAT:
        lines.append(UP_BY_FORMAT)
    lines += _published(store) + plan_notes(store.info["source"])
    lines += reading_notes(_rows(store, READING), THINGS[store.kind])
    lines += table_lines(store) if store.kind == "tables" else _levels(store)
    lines += _labels(store)
    lines += [f"skipped {entry['path']}: {entry['reason']}" for entry in skipped[:_SHOWN]]
    if len(skipped) > _SHOWN:
        lines.append(f"… and {len(skipped) - _SHOWN:,} more; store.json lists them all")
    return lines


def _amount(store: Store) -> str:
    """Recordings and their hours, shapes and their points, pictures and their sizes, or rows and their numbers."""
    items = counted(len(store), THINGS[store.kind])
    if store.kind == "audio":
        return f"{items}, {float(store.lengths.sum()) / store.info['sample_rate'] / 3600:.2f} hours"
    if store.kind == "images":
        return f"{items} of {_sizes(store)}"
    if store.kind == "tables":
        return f"{items} of {counted(len(store.info['table']['names']), 'numbers')}"
    fewest, most = int(store.lengths.min()), int(store.lengths.max())
    points = counted(most, "points") if fewest == most else f"{fewest:,} to {most:,} points"
    return f"{items} of {points} ({' '.join(store.info['channels'])})"


def _sizes(store: Store) -> str:
    """The size of pictures, the range of sizes where they differ, and how they are stored."""
    pictures = StoredImages(store)
    heights, widths = pictures.heights, pictures.widths
    said = f"{widths[0]} x {heights[0]} pixels"
    if pictures.size is None:
        areas = heights * widths
        low, high = int(areas.argmin()), int(areas.argmax())
        said = f"mixed sizes, {widths[low]} x {heights[low]} to {widths[high]} x {heights[high]} pixels"
    kinds = Counter(store.column("encoding"))
    return f"{said} ({', '.join(f'{count:,} {kind}' for kind, count in kinds.most_common())})"


def _rows(store: Store, names: Sequence[str] | Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The values of those of some columns that the store has, per item; empty if it has none."""
    found = {}
    for name in names:
        with suppress(KeyError):
            found[name] = store.column(name)
    return (dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True))


def _levels(store: Store) -> list[str]:
    """Recordings that are silent, clipped or cancel, and those with an assumed rate; empty for older stores."""
    rows = _rows(store, (*COUNTED, TRACKS))
    first = next(rows, None)
    if first is None:
        return []
    arrays = 0 if "array_rate" in store.info else count_arrays(store.column("path"))
    return [levels_line(count_levels(chain([first], rows))), *([assumed_rate(arrays)] if arrays else [])]


def _published(store: Store) -> list[str]:
    """How much of what was published is in the store."""
    source = store.info["source"]
    covered = coverage(source, _official(source, store.column("split")))
    if not covered.published:
        return []
    line = f"{len(store):,} of {sum(covered.published.values()):,} published {THINGS[store.kind]}"
    classes = source.get("classes_published")
    if classes is not None:
        line += f", {len({label for label in store.column('label') if label is not None}):,} of {classes:,} classes"
    line += f"; splits: {covered.split_source}"
    if covered.complete:
        return [line]
    return [line, f"not the published numbers ({covered.differs}); results on this store say so"]


def _official(source: Mapping[str, Any], splits: Sequence[str | None]) -> Counter[str]:
    """Items by published split: valid is part of train where only that is published."""
    parted = "train" in source.get("published", {}) and "valid" not in source["published"]
    return Counter("train" if parted and split == "valid" else split or "unused" for split in splits)


def _labels(store: Store) -> list[str]:
    counts = by_label(store.column("label"), store.column("split"))
    splits = {split for split in store.column("split") if split is not None}
    return label_table(counts, _columns(splits), most=_SHOWN, total=True)


def _columns(splits: set[str]) -> list[str]:
    """train, valid and test, or the folds by number."""
    folds = sorted(splits - set(SPLITS), key=lambda split: (len(split), split))
    return folds if folds and not splits & set(SPLITS) else [*SPLITS, *folds]
