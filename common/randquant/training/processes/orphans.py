"""Child processes that end with their parent, however it ends."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # prctl(2)
_SECONDS = 0.5  # between looks at whether the parent lives


def end_with_parent(parent: int | None = None) -> None:
    """Kill this process as soon as its parent ends.

    Call it first thing in a process that serves another one, such as another rank of a training.

    Args:
        parent: process id of the parent, where it is known; if it is gone already, this process ends here.
    """
    before = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        watch_parent(before)
    if os.getppid() != (before if parent is None else parent):
        os._exit(1)


def watch_parent(parent: int) -> None:
    """Have a thread end this process within a second of the end of `parent`, its parent's process id."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
