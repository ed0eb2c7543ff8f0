"""A terminal that a block is typed into: bash, but for `python`, whose words are asked for before it runs."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.pages.forked import run_module


class Start(NamedTuple):
    """What `python -m` is to do: in a folder, a module with arguments; `good` are the exit codes that count as 0."""

    folder: Path
    module: str
    arguments: Sequence[str]
    good: Sequence[int] = (0,)


# From a module and the arguments that are typed behind it.
Rewrite = Callable[[str, Sequence[str]], Start]

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


def run_bash(text: str, folder: Path, log: Path, rewrite: Rewrite) -> int:
    """Run a block of bash; its first command that fails ends it.

    Args:
        text: of the block.
        folder: where bash is.
        log: file to which everything that is printed is added.
        rewrite: of every `python -m`.

    Returns:
        The exit code.
    """
    asked, ask = os.pipe()
    answer, answered = os.pipe()
    with log.open("ab") as out:
        bash = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-c", _PYTHON + text],
            cwd=folder,
            env={**os.environ, "ASK": str(ask), "ANSWER": str(answer)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=(ask, answer),
        )
    os.close(ask)
    os.close(answer)
    with os.fdopen(asked) as questions, os.fdopen(answered, "w") as answers:
        for line in questions:
            bash_id, option, module, *arguments = line.split("\x1f")[:-1]
            assert option == "-m", line
            start = rewrite(module, arguments)
            code = run_module(start.module, start.arguments, start.folder, Path("/proc") / bash_id / "fd")
            print(0 if code in start.good else code, file=answers, flush=True)
    return bash.wait()


def run_python(code: str, folder: Path, log: Path) -> int:
    """Run a block of Python by an interpreter of its own, as a reader does; arguments and result as of `run_bash`."""
    with log.open("ab") as out:
        return subprocess.run([sys.executable, "-c", code], cwd=folder, stdout=out, stderr=out, check=False).returncode
