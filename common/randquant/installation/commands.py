"""The commands: `python -m scripts.NAME` from a clone, `randquant NAME` wherever the package is installed."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"
_PACKAGE = "randquant.scripts"
_NAMED = re.compile(r"(?:python -m )?\bscripts\.([a-z_]+)\b(?!\.\w)")


@cache
def commands() -> tuple[str, ...]:
    """Their names."""
    return tuple(sorted(file.stem for file in SCRIPTS.glob("[a-z]*.py")))


def summary(command: str) -> str:
    """The first line of what a command says of itself, read without running it."""
    text = ast.get_docstring(ast.parse((SCRIPTS / f"{command}.py").read_text(encoding="utf-8"))) or ""
    return as_typed(text.partition("\n")[0])


def module_of(command: str) -> str:
    """The module that runs a command as the running one was started: `scripts.NAME`, or `randquant.scripts.NAME`."""
    return f"{_PACKAGE}.{command}" if _started_installed() else f"scripts.{command}"


def program() -> str | None:
    """What was typed to start the running command, as in `python -m scripts.embed`; None if it is none of ours."""
    name = _main()
    command = name.rpartition(".")[2]
    if name not in (f"{_PACKAGE}.{command}", f"scripts.{command}"):
        return None
    return as_typed(f"python -m scripts.{command}")


def as_typed(text: str) -> str:
    """A text with its commands as they are typed here: `randquant embed` where no clone is, but the package."""
    if not _started_installed():
        return text
    return _NAMED.sub(lambda found: f"randquant {found[1]}" if found[1] in commands() else found[0], text)


def _started_installed() -> bool:
    return _main().startswith((f"{_PACKAGE}.", "randquant.__main__"))


def _main() -> str:
    """The module that the interpreter was started with."""
    return getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", "")
