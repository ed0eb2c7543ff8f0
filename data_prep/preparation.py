"""The engine that every dataset shares: a plan of files becomes a store, in parallel and resumable.

A plan is an ordered list of files and the settings that decide what they become. It is cut into shards by
count and size alone, so the store is the same whatever the number of workers. joblib runs one shard a task;
inside `joblib.parallel_config(backend="dask")` the same code runs on a cluster.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.typing import NDArray
from tqdm import tqdm

from randquant.errors import DataError, UsageError
from randquant.progress import bar
from randquant.store import Store, StoreWriter

_FEWEST_ITEMS, _MOST_ITEMS = 64, 256  # in a shard
_SHARD_BYTES = 64 << 20  # of source files in a shard, where there are not too many of them
_AIM = 1024  # shards in a large store
_SMALL_ITEMS, _SMALL_BYTES = 512, 16 << 20  # below both, starting processes costs more than they save


@dataclass(frozen=True)
class Item:
    """One file of a plan.

    Attributes:
        path: relative to the plan's root, with forward slashes.
        size: bytes, so that a file that was replaced makes another plan.
        label, group, split: as in the store's manifest, None where the dataset gives none.
    """

    path: str
    size: int
    label: str | None = None
    group: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Reader:
    """How one kind of file becomes rows of a store.

    Attributes:
        kind: of the store, "audio" or "points".
        read: takes a file's path, returns extra manifest columns and the rows in blocks; raises DataError
            for a file it cannot read, at once or from the iteration. A module-level function: it travels to
            other processes.
        settings: whatever decides the outcome; part of the plan and of store.json.
    """

    kind: str
    read: Callable[[Path], tuple[Mapping[str, Any], Iterable[NDArray]]]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a store will hold: the files below `root`, in order, and the reader that turns them into rows."""

    root: Path
    items: Sequence[Item]
    reader: Reader
    source: Mapping[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """SHA-256 of the items and the settings; where the root lies does not enter."""
        digest = hashlib.sha256(json.dumps([self.reader.kind, dict(self.reader.settings)], sort_keys=True).encode())
        for item in self.items:
            digest.update(json.dumps([item.path, item.size, item.label, item.group, item.split]).encode())
        return digest.hexdigest()

    def shards(self) -> list[Sequence[Item]]:
        """The items in order, cut where a shard has enough files or enough bytes."""
        most = min(max(len(self.items) // _AIM, _FEWEST_ITEMS), _MOST_ITEMS)
        most_bytes = max(sum(item.size for item in self.items) // _AIM, _SHARD_BYTES)
        starts, size = [0], 0
        for index, item in enumerate(self.items):
            size += item.size
            if index > starts[-1] and (index - starts[-1] == most or size > most_bytes):
                starts.append(index)
                size = item.size
        return [self.items[start:stop] for start, stop in zip(starts, [*starts[1:], len(self.items)], strict=True)]


def prepare(plan: Plan, out: str | Path, *, workers: int | None = None, strict: bool = False) -> Store:
    """Write the store of a plan, or complete it, or open it where it is complete.

    Args:
        plan: what to write.
        out: the store's folder.
        workers: processes; one a core where None.
        strict: an unreadable file stops everything instead of being listed in store.json under `skipped`.

    Raises:
        DataError: nothing to prepare or nothing readable, `out` holds something else, or (strict) an
            unreadable file.
        UsageError: `workers` below 1.
        OSError: `out` cannot be written, as when the disk is full; finished shards stay.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers should be at least 1, got {workers}.")
    if not plan.items:
        raise DataError(f"{plan.root} holds nothing to prepare; check the path.")
    writer = StoreWriter(out, kind=plan.reader.kind, plan=plan.fingerprint())
    with writer.begin() as complete:
        if not complete:
            shards = plan.shards()
            _write_shards(writer, plan, shards, workers, strict)
            _refuse_skipped(writer, len(shards), strict)
            return writer.finish(len(shards), {**plan.reader.settings, "source": dict(plan.source)})
    store = Store.open(out)
    if strict and store.info["skipped"]:
        raise DataError(_left_out(Path(out), store.info["skipped"]))
    return store


def _write_shards(
    writer: StoreWriter, plan: Plan, shards: Sequence[Sequence[Item]], workers: int | None, strict: bool
) -> None:
    pending = [number for number in range(len(shards)) if not writer.is_written(number)]
    left = sum(len(shards[number]) for number in pending)
    size = sum(item.size for number in pending for item in shards[number])
    if left < _SMALL_ITEMS and size < _SMALL_BYTES:
        workers = 1
    tasks = [(writer, number, plan.root, shards[number], plan.reader, strict) for number in pending]
    total = len(plan.items)
    display: tqdm = bar(label="preparing", unit="files", total=total, initial=total - left)
    with display:
        for count in _results(tasks, workers):
            display.update(count)


def _results(tasks: Sequence[tuple[Any, ...]], workers: int | None) -> Iterator[int]:
    if workers == 1 or len(tasks) < 2:
        yield from (_write_shard(*task) for task in tasks)
        return
    parallel = joblib.Parallel(n_jobs=workers or -1, return_as="generator_unordered", batch_size=1)
    try:
        yield from parallel(joblib.delayed(_write_shard)(*task) for task in tasks)
    except TerminatedWorkerError:
        raise DataError(
            "a worker process was killed, most likely for want of memory; run the same command again with "
            "fewer --workers: finished shards are kept."
        ) from None


def _write_shard(
    writer: StoreWriter, number: int, root: Path, items: Sequence[Item], reader: Reader, strict: bool
) -> int:
    with writer.shard(number) as shard:
        for item in items:
            try:
                columns, blocks = reader.read(_source(root, item))
                shard.append(blocks, {**_columns(item), **columns})
            except DataError as error:
                if strict:
                    raise
                shard.skip(_printable(item.path), str(error))
    return len(items)


def _columns(item: Item) -> dict[str, str | None]:
    return {"path": item.path, "label": item.label, "group": item.group, "split": item.split}


def _source(root: Path, item: Item) -> Path:
    if _printable(item.path) != item.path:
        raise DataError(f"{_printable(item.path)}: the file name is not valid UTF-8; rename it.")
    return root / item.path


def _printable(path: str) -> str:
    """File names are bytes; those not in UTF-8 reach Python as lone surrogates, which no table can hold."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _refuse_skipped(writer: StoreWriter, shards: int, strict: bool) -> None:
    if not strict:
        return
    skipped = [entry for number in range(shards) for entry in writer.described(number)["skipped"]]
    if skipped:
        raise DataError(_left_out(writer.path, skipped))


def _left_out(out: Path, skipped: Sequence[Mapping[str, str]]) -> str:
    return (
        f"an earlier run without --strict left {len(skipped)} unreadable files out of {out} "
        f"(the first: {skipped[0]['reason'].rstrip('.')}); mend them and delete {out}, or drop --strict."
    )
