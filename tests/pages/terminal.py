"""A terminal whose `python` is forked from a process that has loaded torch: it starts in milliseconds."""

import fnmatch
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import randquant


class Start(NamedTuple):
    """What `python` is to do: the words behind it in a folder; `good` are the exit codes that count as 0."""

    folder: Path
    words: Sequence[str]
    good: Sequence[int] = (0,)


# From the words behind `python`.
Rewrite = Callable[[Sequence[str]], Start]

# `exit`, since `set -e` passes over what stands left of `&&`.
_PYTHON = r"""
python() {
  local code
  printf '%s\x1f' "$BASHPID" "$@" >&"$ASK"
  echo >&"$ASK"
  read -r code <&"$ANSWER"
  [ "$code" = 0 ] || exit "$code"
}
"""
_LIBRARIES = (
    "torch._dynamo",
    "torch.utils.tensorboard",
    "lightning_fabric",
    "pandas",
    "sklearn.svm",
    "matplotlib.pyplot",
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


def run(text: str, folder: Path, log: Path, rewrite: Rewrite) -> int:
    """Run a block of bash; its first command that fails ends it.

    Args:
        text: of the block.
        folder: where bash is.
        log: file to which everything that is printed is added.
        rewrite: of the words of every `python`.

    Returns:
        The exit code.
    """
    asked, ask = os.pipe()
    answer, answered = os.pipe()
    environment = {**os.environ, "ASK": str(ask), "ANSWER": str(answer)}
    with log.open("ab") as out:
        bash = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-c", _PYTHON + text],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=(ask, answer),
        )
    os.close(ask)
    os.close(answer)
    with os.fdopen(asked) as questions, os.fdopen(answered, "w") as answers:
        for line in questions:
            bash_id, *words = line.split("\x1f")[:-1]
            start = rewrite(words)
            code = _forked(Path("/proc") / bash_id / "fd", start.folder, start.words)
            print(0 if code in start.good else code, file=answers, flush=True)
    return bash.wait()


def run_python(code: str, folder: Path, log: Path) -> int:
    """Run Python code as a script of a folder; arguments and exit code as of `run`."""
    log.touch()
    return _forked(log, folder, ["-c", code])


def _forked(out: Path, folder: Path, words: Sequence[str]) -> int:
    process = _CONTEXT.Process(target=_python, args=(dict(os.environ), out, folder, words))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _python(environment: dict[str, str], out: Path, folder: Path, words: Sequence[str]) -> None:
    """Be `python WORDS` in this process, and print to `out`: a file, or the folder of another process's descriptors."""
    os.environ.clear()
    os.environ.update(environment)
    for number in (1, 2):
        place = out / str(number) if out.is_dir() else out
        os.dup2(os.open(place, os.O_WRONLY | os.O_APPEND), number)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    option, what, *rest = words
    sys.argv = [option, *rest]
    if option == "-c":
        exec(compile(what, "block", "exec"), {"__name__": "__main__"})
    else:
        assert option == "-m", words
        runpy.run_module(what, run_name="__main__", alter_sys=True)
