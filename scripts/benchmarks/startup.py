"""Start-up: importing the library beside `import torch`, and the help of every command beside what all of them import.

Each run is a new interpreter. Seconds are of the clock: a user waits for them.
"""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from randquant.installation.commands import commands
from randquant.scripts.measuring.pair import Pair

_FLOOR = "import numpy, jsonargparse"  # of every command: what its flags are made with


def startup(device: str) -> Iterator[Pair]:
    """A ratio is the share that the other start would take."""
    for code in ("import randquant", "from randquant import RandomizedQuantization"):
        yield Pair(code, partial(_run, "-c", code), partial(_run, "-c", "import torch"), "import torch")
    for name in commands():
        help_page = partial(_run, "-m", "randquant", name, "--help")
        yield Pair(f"{name} --help", help_page, partial(_run, "-c", _FLOOR), _FLOOR)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
