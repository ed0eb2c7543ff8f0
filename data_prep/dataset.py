"""A public dataset as published: directory layout, sizes, archives and downloads.

Each dataset's file holds one `DATASET`; `data_prep/datasets/registry.py` lists them by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from data_prep.engine.plan import Item, Plan


@dataclass(frozen=True)
class Download:
    """A file to download.

    Attributes:
        url: where it lies.
        name: what it is saved as, below the root.
        sha256, md5: in hexadecimal, where published.
    """

    url: str
    name: str
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True)
class Archive:
    """An archive that may be present instead of the unpacked tree.

    Attributes:
        pattern: glob of its file name, as in "nsynth-*.jsonwav.tar.gz".
        into: folder below the unpacked root that its members go to; "{stem}" stands for the file name without
            its archive suffixes.
        parts: the files that match are parts of one archive, read one after another in the order of their
            names.
    """

    pattern: str
    into: str = ""
    parts: bool = False


@dataclass(frozen=True)
class Dataset:
    """A dataset as published.

    Attributes:
        name: as typed: nsynth, us8k, …
        title: as its authors call it.
        licence: of the recordings.
        source: paper or page.
        tree: the layout below --root, as a few lines to compare with.
        marks: paths below the root, any of which shows that it is the right one; `*` and `?` are globs.
        plan: `plan(root, …) -> Plan`; raises DataError. Its further parameters are the dataset's flags, its docstring
            their help.
        summary: what `prepare` makes a store of, as "NSynth, labelled with the instrument family".
        kind: of its items, "audio" for recordings and "points" for shapes.
        items: published number of recordings by split, {"all": n} where only the total is published, empty
            where nothing is.
        classes: published number of classes.
        archives: what the tree is unpacked from.
        alternatives: each archive makes a store of its own, so one alone may lie at the root.
        whole_files: each process holds a whole file in memory, so one process is the default.
        downloads: where to get it.
        more_downloads: `more_downloads(root)` gives the files that `downloads`, once they are below root, name in
            turn.
        by_hand: how to get it where it cannot be downloaded.
    """

    name: str
    title: str
    licence: str
    source: str
    tree: str
    marks: Sequence[str]
    plan: Callable[..., Plan]
    summary: str = ""
    kind: Literal["audio", "points"] = "audio"
    items: Mapping[str, int] = field(default_factory=dict)
    classes: int | None = None
    archives: Sequence[Archive] = ()
    alternatives: bool = False
    whole_files: bool = False
    downloads: Sequence[Download] = ()
    more_downloads: Callable[[Path], Iterable[Download]] | None = None
    by_hand: str = ""

    def describe(
        self, root: Path, items: Sequence[Item], split_source: str, *, missing: Sequence[str] = ()
    ) -> dict[str, Any]:
        """A plan's `source`: what was found and what is published.

        Args:
            root: as given.
            items: of the plan.
            split_source: where the splits come from, in a phrase.
            missing: as `Plan.missing`.
        """
        absent = set(missing)
        there = [item for item in items if item.path not in absent]
        counts = Counter(item.split for item in there)
        found = {split: counts.get(split, 0) for split in self.items if split != "all"}
        found |= {split: count for split, count in counts.items() if split is not None}
        return {
            "dataset": self.name,
            "root": str(root),
            "split_source": split_source,
            "published": dict(self.items),
            "found": {**found, "all": len(there)} if "all" in self.items else found,
            "classes_published": self.classes,
            "classes_found": len({item.label for item in there if item.label is not None}),
            "missing": len(missing),
            "missing_first": list(missing[:_SHOWN]),
        }


_SHOWN = 20  # missing files that store.json names
