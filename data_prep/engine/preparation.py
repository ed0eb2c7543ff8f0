"""From a plan of files to a store, in parallel and resumable, for every dataset.

One shard of the plan is one task: joblib runs it in a local process, or a worker of a Dask cluster does (`cluster.py`).
"""

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from randquant.cli.progress import bar
from randquant.cli.terminal import say
from randquant.data.shard import ShardWriter
from randquant.data.store import Store, StoreWriter
from randquant.data_prep.engine.cluster import run_on_cluster
from randquant.data_prep.engine.identity import about, require_same_files, require_same_plan
from randquant.data_prep.engine.memory_budget import memory_budget, within_memory
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.engine.processes import in_processes
from randquant.data_prep.engine.sources import source, write_sources
from randquant.data_prep.formats.whole_file import stand_in
from randquant.errors import DataError, UsageError
from randquant.files.file_names import require_utf8, utf8_name

_SMALL_ITEMS, _SMALL_BYTES = 512, 16 << 20  # below both, starting processes costs more than they save
_WAITING = 8  # shards that the disk is waited for; with more, it is what limits


def prepare(
    plan: Plan, out: str | Path, *, workers: int | None = None, strict: bool = False, dask: str | None = None
) -> Store:
    """Write the store of a plan; resume it if it is incomplete, open it if it is complete.

    Args:
        plan: what to write.
        out: the store's folder.
        workers: processes; one a core where None.
        strict: an unreadable file stops everything instead of being listed in store.json under `skipped`, and
            so does a missing one, or a container of items that is not whole.
        dask: address of a Dask scheduler, as in tcp://host:8786, whose workers do the work instead of
            processes of this computer; they must see the plan's root and `out` under the same paths.

    Raises:
        DataError: nothing to prepare or nothing readable, `out` holds something else, (strict) an unreadable
            file, or the cluster cannot do it.
        UsageError: `workers` below 1, or given together with `dask`.
        OSError: `out` cannot be written, as when the disk is full; finished shards stay.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers should be at least 1, got {workers}.")
    if workers is not None and dask is not None:
        raise UsageError("--workers counts processes of this computer and --dask uses a cluster's; give one of them.")
    if not plan.items:
        raise DataError(f"{plan.root} holds nothing to prepare; check the path.")
    if strict and plan.missing:
        raise DataError(
            f"{plan.root} lacks {len(plan.missing)} files that its lists name (the first: {plan.missing[0]}); restore "
            "them, or drop --strict."
        )
    if strict and plan.damaged:
        raise DataError(plan.damaged[0])
    writer = StoreWriter(out, kind=plan.reader.kind, plan=plan.fingerprint(), about=about(plan))
    require_same_plan(plan, writer)
    shards = plan.shards()
    with writer.begin() as complete:
        told = require_same_files(plan, writer, len(shards), complete=complete)
        if told is not None:
            say(told)
        if not complete:
            _write_shards(writer, plan, shards, workers, strict, dask)
            if strict:
                described = [writer.described(number) for number in range(len(shards))]
                _refuse_skipped(writer.path, [entry for shard in described for entry in shard["skipped"]])
            info = {**plan.reader.settings, "source": dict(plan.source)}
            parts = (writer.described(number)["sources"] for number in range(len(shards)))
            return writer.finish(len(shards), info, beside=lambda: write_sources(writer.path, plan.root, parts))
    store = Store.open(out)
    if strict:
        _refuse_skipped(Path(out), store.info["skipped"])
    return store


def _write_shards(
    writer: StoreWriter,
    plan: Plan,
    shards: Sequence[Sequence[Item]],
    workers: int | None,
    strict: bool,
    dask: str | None,
) -> None:
    pending = [number for number in range(len(shards)) if not writer.is_written(number)]
    left = sum(len(shards[number]) for number in pending)
    size = sum(item.size for number in pending for item in shards[number])
    if left < _SMALL_ITEMS and size < _SMALL_BYTES:
        workers = 1
    tasks = [(writer, number, plan.root, shards[number], plan.reader, strict) for number in pending]
    total = len(plan.items)
    display: tqdm = bar(label="preparing", unit="files", total=total, initial=total - left)
    if dask is None:
        first = partial(compile_for, plan, shards[pending[0]][0]) if pending else None
        kept = ": finished shards are kept"
        results = in_processes(_draft_shard, tasks, workers, ordered=False, kept=kept, first=first)
    else:
        results = _cluster_results(tasks, dask)
    # Closing ends the workers before anything else is done about an error or Ctrl-C.
    with display, closing(results) as numbers:
        for number in numbers if dask is not None else _placed(writer, numbers):
            display.update(len(shards[number]))


def _placed(writer: StoreWriter, drafted: Iterable[int]) -> Iterator[int]:
    """Place shards as they come, on a thread: the disk is waited for while the next ones are computed."""
    waiting: deque[tuple[int, Future[None]]] = deque()
    with ThreadPoolExecutor(1) as thread:
        for number in drafted:
            waiting.append((number, thread.submit(writer.place, number)))
            while waiting and (len(waiting) > _WAITING or waiting[0][1].done()):
                done, result = waiting.popleft()
                result.result()
                yield done
        for done, result in waiting:
            result.result()
            yield done


def _cluster_results(tasks: Sequence[tuple[Any, ...]], address: str) -> Generator[int]:
    if not tasks:
        return
    here, _, root, *_ = tasks[0]
    # Relative paths mean something else where a worker was started.
    writer, root = StoreWriter(here.path.absolute(), kind=here.kind, plan=here.plan), Path(root).absolute()
    absolute = [(writer, number, root, items, reader, strict) for _, number, _, items, reader, strict in tasks]
    yield from run_on_cluster(_write_shard, absolute, address, folders=(root, writer.path))
    if not all(writer.is_written(number) for _, number, *_ in absolute):
        raise DataError(f"the workers of {address} write to a {writer.path} of their own; the cluster must share it.")


def _write_shard(writer: StoreWriter, number: int, *task: Any) -> int:
    """Draft and place a shard, on a computer whose unwritten bytes no other sees."""
    _draft_shard(writer, number, *task)
    writer.place(number)
    return number


def _draft_shard(
    writer: StoreWriter, number: int, root: Path, items: Sequence[Item], reader: Reader, strict: bool
) -> int:
    with writer.draft(number) as shard, memory_budget():
        before = None
        for item in items:
            if item.path != before:
                _note(shard, root, item, reader)
                before = item.path
            try:
                with within_memory(utf8_name(item.name)):
                    own, blocks = read_item(root, item, reader)
                    columns = {"path": item.name, "label": item.label, "group": item.group, "split": item.split}
                    shard.append(blocks, columns, own)
            except DataError as error:
                if strict:
                    raise
                shard.skip(utf8_name(item.name), stand_in(root / item.path) or str(error))
    return number


def _note(shard: ShardWriter, root: Path, item: Item, reader: Reader) -> None:
    others = () if reader.companions is None else reader.companions(root / item.path)
    for path in (item.path, *(Path(os.path.relpath(other, root)).as_posix() for other in others)):
        found = source(root, path)
        if found is not None and utf8_name(path) == path:
            shard.note(found)


def read_item(root: Path, item: Item, reader: Reader) -> Reading:
    """An item's extra columns and its rows.

    Raises:
        DataError: it cannot be read; raised here or from the iteration over the rows.
    """
    require_utf8(item.path)
    if item.window is None:
        return reader.read(root / item.path)
    if reader.read_window is None:
        raise TypeError(f"a reader of {reader.kind} without read_window cannot read windows")
    return reader.read_window(root / item.path, *item.window)


def compile_for(plan: Plan, item: Item) -> None:
    """Read an item's first block and drop it, before many processes read: kernels are compiled once, and it is said.

    Workers load them from the disk. Each of them would else compile all for itself, in silence.
    """
    with suppress(DataError), memory_budget(), within_memory(utf8_name(item.name)):  # a worker notes what is broken
        next(iter(read_item(plan.root, item, plan.reader)[1]), None)


def _refuse_skipped(out: Path, skipped: Sequence[Mapping[str, str]]) -> None:
    if skipped:
        raise DataError(
            f"an earlier run without --strict left {len(skipped)} unreadable files out of {out} "
            f"(the first: {skipped[0]['reason'].rstrip('.')}); fix them and delete {out}, or drop --strict."
        )
