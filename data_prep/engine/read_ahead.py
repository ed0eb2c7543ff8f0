"""Read the items of a plan in order by several processes, for a consumer that needs them once, without a store."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.bounded_batches import bounded
from randquant.data_prep.engine.memory_budget import memory_budget, within_memory
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.preparation import compile_for, read_item
from randquant.data_prep.engine.processes import in_processes
from randquant.data_prep.formats.whole_file import stand_in
from randquant.errors import DataError
from randquant.files.file_names import utf8_name

_AHEAD = 512  # items in memory at once: 25 MB of clouds of 2,048 points with normals
_AHEAD_BYTES = 1 << 28  # of files whose items are in memory at once, where clouds are kept whole
_SMALL = 256  # items for which starting processes costs more than they save


Columns = Mapping[str, Any]


def read_ahead(
    plan: Plan, *, workers: int = 1, start: int = 0, columns: list[Columns] | None = None
) -> Iterator[NDArray | DataError]:
    """The rows of each item from `start` on, or the error that prevents reading it, in the order of the plan.

    What the reader says of each readable item, as in a store's manifest, is appended to `columns`.
    """
    for outcome in _outcomes(plan, plan.items[start:], workers):
        if isinstance(outcome, DataError):
            yield outcome
            continue
        if columns is not None:
            columns.append(outcome[0])
        yield outcome[1]


def _outcomes(plan: Plan, items: Sequence[Item], workers: int) -> Iterator[tuple[Columns, NDArray] | DataError]:
    if workers == 1 or len(items) < _SMALL:
        yield from (_outcome(plan.root, item, plan.reader) for item in items)
        return
    share = _AHEAD_BYTES // _AHEAD
    first: partial[None] | None = partial(compile_for, plan, items[0])
    for ahead in bounded(items, lambda item: max(item.size, share), _AHEAD_BYTES):
        tasks = [(plan.root, item, plan.reader) for item in ahead]
        yield from in_processes(_outcome, tasks, workers, batch="auto", first=first)
        first = None


def _outcome(root: Path, item: Item, reader: Reader) -> tuple[Columns, NDArray] | DataError:
    try:
        with memory_budget(), within_memory(utf8_name(item.name)):
            columns, blocks = read_item(root, item, reader)
            rows = np.concatenate(list(blocks))
        return columns, rows
    except DataError as error:
        reason = stand_in(root / item.path)
        return error if reason is None else DataError(reason)
