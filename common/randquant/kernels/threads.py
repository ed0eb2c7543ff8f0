"""Work on rows shared by as many threads as PyTorch has.

They are Python's own threads, which compiled code keeps busy without Python's lock: unlike the pools of OpenMP and
numba's they survive a fork, may be asked by several threads at once, and are never there in a loader's worker, where
PyTorch has one thread.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

_PARTS = 8  # of each thread's share: who is late takes fewer
_LEAST = 2**15  # entries that a thread is worth


def over(rows: int, entries: int, aligned: int, work: Callable[[int, int], None]) -> None:
    """Call `work(first, last)` until all rows are done.

    Args:
        rows: how many.
        entries: of all of them.
        aligned: rows that are best done together.
        work: does rows `first` to `last`; it lets other threads run.
    """
    threads = min(torch.get_num_threads(), rows, max(entries // _LEAST, 1))
    if threads == 1:
        work(0, rows)
        return
    size = -(-rows // (threads * _PARTS))
    size = size if size < aligned else -(-size // aligned) * aligned
    starts = iter(range(0, rows, size))

    def share() -> None:
        for start in starts:
            work(start, min(start + size, rows))

    others = [_pool(os.getpid(), threads - 1).submit(share) for _ in range(threads - 1)]
    share()
    for other in others:
        if not other.cancel():  # who has not begun by now is not waited for
            other.result()


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """The threads of this process; a forked one has none of its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="randquant")
