"""`python -m`, forked from a process that has imported every module, which takes longer than most commands here.

A command finds its modules imported and is otherwise the reader's; that each imports what it needs, other tests show.
"""

import fnmatch
import multiprocessing
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import randquant

_LIBRARIES = (
    "torch._dynamo",
    "torch.utils.tensorboard",
    "lightning_fabric",
    "pandas",
    "sklearn.svm",
    "matplotlib.pyplot",
    "kornia",
    "networkx",
    "numba",
    "onnxscript",
)


def _ours() -> Iterator[str]:
    """Every module of randquant, but for what runs when it is imported."""
    root = Path(randquant.__file__).parent
    for folder, _, files in os.walk(root, followlinks=True):
        for file in fnmatch.filter(files, "*.py"):
            path = (Path(folder) / file).relative_to(root.parent)
            if path.stem not in ("__init__", "__main__", "gallery"):
                yield ".".join(path.with_suffix("").parts)


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*_LIBRARIES, *_ours()])


def run_module(module: str, arguments: Sequence[str], folder: Path, streams: Path) -> int:
    """Run `python -m MODULE ARGUMENTS`.

    Args:
        module: by its dotted name.
        arguments: behind it.
        folder: where it runs.
        streams: folder of the descriptors, 1 and 2, that it prints to, such as /proc/ID/fd.

    Returns:
        The exit code.
    """
    process = _CONTEXT.Process(target=_be, args=(dict(os.environ), module, arguments, folder, streams))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _be(environment: dict[str, str], module: str, arguments: Sequence[str], folder: Path, streams: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number in (1, 2):
        os.dup2(os.open(streams / str(number), os.O_WRONLY | os.O_APPEND), number)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
