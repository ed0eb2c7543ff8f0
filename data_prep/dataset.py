"""A public dataset as published: directory layout, sizes, archives and downloads.

Each dataset's file holds one `DATASET`; `data_prep/datasets/registry.py` lists them by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from randquant.data_prep.engine.plan import Item


@dataclass(frozen=True)
class Download:
    """A file to download, with its checksums in hexadecimal where they are published."""

    url: str
    name: str  # what it is saved as, below the root
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True)
class Archive:
    """An archive that may be present instead of the unpacked tree."""

    pattern: str  # glob of its file name, as in "nsynth-*.jsonwav.tar.gz"
    into: str = ""  # folder below the unpacked root; "{stem}" stands for the file name without its archive suffixes
    parts: bool = False  # the files that match are parts of one archive, in the order of their names
    nested: bool = False  # it holds archives, which are unpacked in turn, each into a folder of its name


# What a plan is: `engine.plan.Plan` of files, `tables.plan.TablePlan` of a table.
P = TypeVar("P")


@dataclass(frozen=True)
class Dataset(Generic[P]):
    """A dataset as published.

    `plan(root, …)` raises DataError; its further parameters are the dataset's flags, its docstring their help.
    `more_downloads(root)` gives the files that `downloads`, once they are below root, name in turn.
    """

    name: str  # as typed: nsynth, us8k, …
    title: str  # as its authors call it
    licence: str  # of the recordings
    source: str  # paper or page
    tree: str  # the layout below --root, as a few lines to compare with
    marks: Sequence[str]  # paths or globs below the root, any of which shows that it is the right one
    plan: Callable[..., P]
    kind: Literal["audio", "points", "images", "tables"] = "audio"  # of its items, which `THINGS` calls by name
    # Published number by split ("unused" for none of them), {"all": n} of a total, or none.
    items: Mapping[str, int] = field(default_factory=dict)
    classes: int | None = None  # published number
    archives: Sequence[Archive] = ()  # what the tree is unpacked from
    alternatives: bool = False  # each archive makes a store of its own, so one alone may lie at the root
    whole_files: bool = False  # each process holds a whole file in memory, so one process is the default
    downloads: Sequence[Download] = ()
    more_downloads: Callable[[Path], Iterable[Download]] | None = None
    by_hand: str = ""  # how to get it where it cannot be downloaded

    def describe(
        self, root: Path, items: Sequence[Item], split_source: str, *, missing: Sequence[str] = ()
    ) -> dict[str, Any]:
        """A plan's `source`: what was found and what is published; `split_source` is a phrase."""
        absent = set(missing)
        there = [item for item in items if item.path not in absent]
        counts = Counter(item.split or UNUSED for item in there)
        found = {split: counts.get(split, 0) for split in self.items if split != "all"}
        found |= {split: count for split, count in counts.items() if split != UNUSED or UNUSED in self.items}
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


UNUSED = "unused"  # what items of no split are counted as
_SHOWN = 20  # missing files that store.json names
