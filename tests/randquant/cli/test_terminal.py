"""Whatever a label holds, the terminal shows it and does nothing else, in any encoding, open or closed."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from randquant.cli.terminal import Screen, printable, say, terminal

HOSTILE = "dog\x1b[2J\x1b]0;owned\x07\x9b31m\r\nbark\u202e\u2066\u200b\ufeff\u2028\x7f\udcff"
PROGRAM = """
import sys
from pathlib import Path
from randquant.cli.command import run
from randquant.cli.progress import progress
from randquant.cli.terminal import say

def show(many: int = 1) -> None:
    for _ in progress(range(3), label="caf\\u00e9 \\x1b[2J", unit="\\u00b5s"):
        say(*["± … “x” \\u4e2d"] * many)
    print("plain café\\x1b[2J")
    raise SystemExit

sys.argv = ["show.py", *sys.argv[1:]]
raise SystemExit(run(show))
"""


def test_nothing_steers() -> None:
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert "\\n" in shown
    assert "\\xff" in shown
    assert printable(shown) == shown
    assert printable("niño 日本 \u0928\u094d\u200d\u092f 👩\u200d🔬") == "niño 日本 \u0928\u094d\u200d\u092f 👩\u200d🔬"


def test_say_prints_one_line_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb", "c")
    assert capsys.readouterr().out == "a\\nb\nc\n"


def test_print_keeps_new_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal():
        print("a\n\tb\x1b[0m\r")
    assert capsys.readouterr().out == "a\n\tb\\x1b[0m\\r\n"


def test_what_an_encoding_lacks_has_a_stand_in() -> None:
    below = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Screen(below).write("0.5 ± 0.1 … 中 é")
    below.flush()
    assert below.buffer.getvalue() == b"0.5 +- 0.1 ... \\u4e2d \\xe9"


def ran(tmp_path: Path, shell: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    script = tmp_path / "show.py"
    script.write_text(PROGRAM, encoding="utf-8")
    variables = {**os.environ, "SHOW": f"{sys.executable} {script}", **environment}
    return subprocess.run(["bash", "-c", shell], env=variables, capture_output=True, check=False)


def test_terminals_that_are_ascii_closed_or_full(tmp_path: Path) -> None:
    ascii_only = ran(tmp_path, "$SHOW", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (ascii_only.returncode, b"Error" in ascii_only.stderr) == (0, False)
    assert ascii_only.stdout.isascii()
    assert b"\x1b" not in ascii_only.stdout + ascii_only.stderr
    closed = ran(tmp_path, "$SHOW 0<&- 1>&- 2>&-")
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, b"", b"")
    full = ran(tmp_path, "$SHOW --many 20000 >/dev/full")
    assert full.returncode == 1
    assert full.stderr.count(b"\n") == 1
    assert b"no space left" in full.stderr
    assert ran(tmp_path, "$SHOW 2>/dev/full").returncode == 0
