"""The items of a plan, read in order by several processes, for a consumer that needs them once and keeps no store."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.typing import NDArray

from data_prep.preparation import Item, Plan, Reader, read_item
from randquant.errors import DataError

_AHEAD = 512  # items in memory at once: 25 MB of clouds of 2,048 points with normals
_SMALL = 256  # items for which starting processes costs more than they save


def read_ahead(plan: Plan, *, workers: int = 1) -> Iterator[NDArray | DataError]:
    """Rows of each item, or why it cannot be read, in the order of the plan.

    Args:
        plan: what to read.
        workers: processes.
    """
    if workers == 1 or len(plan.items) < _SMALL:
        yield from (_outcome(plan.root, item, plan.reader) for item in plan.items)
        return
    for first in range(0, len(plan.items), _AHEAD):
        yield from _in_parallel(plan, plan.items[first : first + _AHEAD], workers)


def _in_parallel(plan: Plan, items: Sequence[Item], workers: int) -> Iterator[NDArray | DataError]:
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
    try:
        yield from parallel(joblib.delayed(_outcome)(plan.root, item, plan.reader) for item in items)
    except TerminatedWorkerError:
        raise DataError(
            "a worker process was killed, most likely for want of memory; run the same command again with fewer "
            "--workers."
        ) from None


def _outcome(root: Path, item: Item, reader: Reader) -> NDArray | DataError:
    try:
        _, blocks = read_item(root, item, reader)
        return np.concatenate(list(blocks))
    except DataError as error:
        return error
