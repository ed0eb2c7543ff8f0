"""Start-up: importing the library, and the help of every command, each in a new interpreter beside `import torch`.

Processor time is measured, which other work on the machine changes little.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from randquant.installation.commands import commands
from randquant.scripts.measuring.pair import Pair


def startup(device: str) -> Iterator[Pair]:
    """The twin of each is `import torch`, so a ratio above 1 is a start that does not wait for torch."""
    torch_alone = ("-c", "import torch")
    starts = {
        "import randquant": ("-c", "import randquant"),
        "from randquant import RandomizedQuantization": ("-c", "from randquant import RandomizedQuantization"),
        **{f"{name} --help": ("-m", "randquant", name, "--help") for name in commands()},
    }
    for name, words in starts.items():
        yield Pair(name, partial(_run, *words), partial(_run, *torch_alone), "import torch", clock=_processor_time)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def _processor_time() -> float:
    """Seconds that processes started from here, and ended, have computed."""
    spent = os.times()
    return spent.children_user + spent.children_system
