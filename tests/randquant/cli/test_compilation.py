"""A command says once that kernels are compiled, on standard error; the library, and a run that loads them, nothing."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from randquant.cli.progress import bar, say_above_bars
from randquant.cli.terminal import terminal

pytest.importorskip("numba")

NO_PLACE = """
import numba

genuine = numba.njit

def njit(*functions, cache=False, **options):
    if cache:
        raise RuntimeError("cannot cache function: no locator available")
    return genuine(*functions, **options)

numba.njit = njit
"""
PROGRAM = """
import sys

import numpy as np

from randquant.cli.command import run

def read(dtype):
    from randquant.kernels.compiled.numbers import numbers
    numbers(np.frombuffer(b"1", dtype=np.uint8), np.empty(1, dtype=dtype), False)

def inner() -> None:
    read(np.float32)

def command() -> None:
    read(np.int64)
    run(inner, [])
    print('{"an": "answer"}')

read(np.float64)
print("the library ends", file=sys.stderr)
raise SystemExit(run(command, []))
"""


def said(cache: Path, program: str = PROGRAM) -> list[str]:
    """What a process says on standard error after the library's part, in which it says nothing."""
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    ended = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, '{"an": "answer"}\n'), ended.stderr
    first, *lines = ended.stderr.splitlines()
    assert first == "the library ends"
    return lines


def test_said_once_and_not_of_what_is_loaded(tmp_path: Path) -> None:
    assert said(tmp_path) == ["note: compiling kernels for this processor, the first time only; it can take a minute"]
    assert said(tmp_path) == []


def test_what_cannot_be_kept_is_told_with_the_remedy(tmp_path: Path) -> None:
    (line,) = said(tmp_path, NO_PLACE + PROGRAM)
    assert "in every run" in line
    assert "NUMBA_CACHE_DIR" in line


def test_a_line_does_not_stand_in_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    below = io.StringIO()
    monkeypatch.setattr(below, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", below)
    with terminal(), bar(label="embedding", unit="files", total=3) as shown:
        say_above_bars("note: a line")
        shown.update(1)
    before, after = below.getvalue().split("note: a line\n")
    assert "embedding" in before.split("\r")[1]
    assert before.endswith("\r"), "the bar is wiped"
    assert "embedding" in after
