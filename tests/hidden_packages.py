"""Programs that see some of the installed packages alone, as after an installation with fewer extras."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HIDE = """
import importlib.abc, json, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

hidden = json.loads(sys.argv.pop(1))
sys.meta_path.insert(0, Hidden())
"""


def run_with(packages: tuple[str, ...], program: str, *arguments: str, folder: Path | None = None) -> str:
    """What a program prints that finds these distributions, what they need, and ours; it has to succeed."""
    present = installed_with(*packages) | {"randquant"}
    origin = importlib.metadata.packages_distributions()
    hidden = [
        name for name, sources in origin.items() if not present & {canonicalize_name(source) for source in sources}
    ]
    assert {"scipy", "pyarrow", "tqdm"} <= set(hidden)
    command = [sys.executable, "-c", _HIDE + program, json.dumps(hidden), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed_with(*names: str) -> set[str]:
    """These distributions and what they need on this machine, and so on down."""
    found, waiting = set[str](), [*names]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            lines = [Requirement(line) for line in importlib.metadata.requires(name) or []]
            waiting += [line.name for line in lines if line.marker is None or line.marker.evaluate({"extra": ""})]
    return found
