"""Function calls in local processes, which never outlive the process that started them."""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from typing import Any

from randquant.errors import DataError
from randquant.training.processes.orphans import watch_parent


def in_processes(
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    workers: int | None,
    *,
    ordered: bool = True,
    batch: int | str = 1,
    kept: str = "",
    first: Callable[[], object] | None = None,
) -> Generator[Any]:
    """Call `function(*task)` for every task.

    Args:
        function: module-level.
        tasks: arguments, picklable.
        workers: processes; one a core where None, and never more than tasks.
        ordered: give the results in the order of the tasks, not in that in which they are done.
        batch: tasks sent to a process at once, or "auto".
        kept: what a killed worker leaves whole, for the error message, as in ": finished shards are kept".
        first: called here before processes are started, and not where there are none.

    Yields:
        the results. What a call raises is raised here; the processes are then ended.

    Raises:
        DataError: a process was killed.
    """
    import joblib  # late, since --help does not need it
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    most = min(workers or joblib.cpu_count(), len(tasks))
    if most < 2:
        yield from (function(*task) for task in tasks)
        return
    if first is not None:
        first()
    parallel = joblib.Parallel(
        n_jobs=most,
        return_as="generator" if ordered else "generator_unordered",
        batch_size=batch,
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    try:
        yield from parallel(joblib.delayed(function)(*task) for task in tasks)
    except TerminatedWorkerError:
        raise DataError(
            "a worker process was killed, most likely for want of memory; run the same command again with fewer "
            f"--workers{kept}."
        ) from None


def end_with(parent: int) -> None:
    """End this process within a second of its parent, however that ends; Ctrl-C is left to the parent.

    A thread looks, rather than the kernel's PR_SET_PDEATHSIG: that one goes by the thread that started the process,
    which may end long before its process does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_parent(parent)
