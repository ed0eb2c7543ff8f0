"""A plan: an ordered list of files, or of windows of files, and the reader that turns them into rows of a store.

It is divided into shards by count and size alone, so the store is the same whatever the number of workers.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_SHARD_ITEMS, _SHARD_BYTES = 64, 64 << 20  # a shard is full with either, files or bytes of them
_MOST_SHARDS = 512  # by either measure; a larger set has fuller shards


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a plan, or one window of it; label, group and split are None where the dataset gives none."""

    path: str  # relative to the plan's root, with forward slashes
    size: int  # bytes, so that a file that was replaced makes another plan; 0 where it is missing
    label: str | None = None
    group: str | None = None
    split: str | None = None  # train, valid, test; fold1, fold2, … where a dataset comes in folds, each the test once
    window: tuple[int, int] | None = None  # rows [start, stop) of what the reader makes of the file (samples at 16 kHz)

    @property
    def name(self) -> str:
        """The item's name in the manifest.

        >>> Item("noise.wav", 44, window=(8000, 24000)).name
        'noise.wav#8000-24000'
        """
        return self.path if self.window is None else f"{self.path}#{self.window[0]}-{self.window[1]}"


Reading = tuple[Mapping[str, Any], Iterable[NDArray]]


@dataclass(frozen=True)
class Reader:
    """How one kind of file becomes rows of a store.

    Attributes:
        kind: of the store, "audio", "points" or "images".
        read: takes a file's path, returns extra manifest columns, to which more may come until the last block is
            read, and the rows in blocks; raises DataError for a file it cannot read, at once or from the iteration.
            A module-level function: it travels to other processes. What it repaired, left out or guessed is a column
            too, named in
            `randquant.data_prep.notes.READING`: a count, and no column where there is none. `prepare` and `embed`
            close with a line for each, and `doctor` lists the files.
        settings: whatever decides the outcome; part of the plan and of store.json.
        read_window: the same for rows [start, stop) alone; a window that the file is too short for is a
            DataError. None where the kind has no windows.
        companions: the further files that are read with one, as the buffers of a glTF file; raises nothing. None
            where there are none.
    """

    kind: str
    read: Callable[[Path], Reading]
    settings: Mapping[str, Any]
    read_window: Callable[[Path, int, int], Reading] | None = None
    companions: Callable[[Path], Iterable[Path]] | None = None


@dataclass(frozen=True)
class Plan:
    """What a store will hold: the files below `root`, in order, and the reader that turns them into rows.

    Attributes:
        source: goes into store.json.
        missing: what the dataset's own lists name and that has no file: paths below `root` where known, names
            otherwise.
        damaged: a sentence for each container of items that is not whole, so that items of it may be missing.
    """

    root: Path
    items: Sequence[Item]
    reader: Reader
    source: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()
    damaged: Sequence[str] = ()

    def fingerprint(self) -> str:
        """SHA-256 of the items and the settings; the location of the root and missing files do not count."""
        digest = hashlib.sha256(json.dumps([self.reader.kind, dict(self.reader.settings)], sort_keys=True).encode())
        for item in self.items:
            window = [] if item.window is None else [item.window]
            digest.update(json.dumps([item.path, item.size, item.label, item.group, item.split, *window]).encode())
        return digest.hexdigest()

    def shards(self) -> list[Sequence[Item]]:
        """The items in order, divided into shards of limited files and bytes."""
        most = max(-(-len(self.items) // _MOST_SHARDS), _SHARD_ITEMS)
        most_bytes = max(-(-sum(item.size for item in self.items) // _MOST_SHARDS), _SHARD_BYTES)
        starts, size = [0], 0
        for index, item in enumerate(self.items):
            size += item.size
            if index > starts[-1] and (index - starts[-1] == most or size > most_bytes):
                starts.append(index)
                size = item.size
        return [self.items[start:stop] for start, stop in zip(starts, [*starts[1:], len(self.items)], strict=True)]
