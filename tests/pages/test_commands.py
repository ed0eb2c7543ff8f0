"""Every command of every page is one that exists, with flags, values and recipes that its own parser takes."""

import re
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from randquant.cli import command as cli
from randquant.errors import DataError
from tests.pages.blocks import ROOT, Block, Command, blocks, expanded

COMMANDS = {"python", "make", "source", "awk", "ls", "mkdir", "cp", "zcat", "pip", "git", "conda", "randquant"}
# What pages run by `python -m` beside our commands.
MODULES = {"randquant", "pytest", "ruff", "heareval", "xares"}
# Words of the pages that stand for a file of the reader, where parsing alone opens it.
STAND_INS = {"RECIPE": "byola_rq", "SEARCH/policy.yaml": "byola"}


def parse(
    commands: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    argv: Sequence[str] | None = None,
    description: str | None = None,
) -> int:
    """What `run` does, but for calling the command."""
    arguments = [*(sys.argv[1:] if argv is None else argv)]
    if "--help" in arguments:
        return 0
    _, values = cli._parse(commands, arguments, description)
    function = commands if callable(commands) else next(commands[word] for word in arguments if word in commands)
    source = cli._signature_source(function)
    if isinstance(source, type):
        cli._constructed(source, values)
    return 0


def told(command: Command, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What is wrong with a command, None if nothing is."""
    program, *words = command.words
    if program == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return None if {word for word in words if "=" not in word} <= targets else "no such target"
    if program == "randquant":
        words = ["-m", f"scripts.{words[0]}", *words[1:]]
    elif program != "python":
        return None if program in COMMANDS else "no such command"
    if words[:1] != ["-m"] or not words[1].startswith("scripts."):
        known = words[:1] == ["-m"] and words[1].split(".")[0] in MODULES
        return None if known else "not a command of ours"
    monkeypatch.setattr(sys, "argv", [words[1], *(STAND_INS.get(word, word) for word in words[2:])])
    try:
        runpy.run_module(f"randquant.{words[1]}", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return None if not end.code else f"exit code {end.code}"
    except DataError:  # it has been parsed: the reader's weights, which --init names, are not here
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def alike(command: Command) -> tuple[str, ...]:
    """What two commands share that are parsed alike: all but numbers, and names of files and folders."""
    return tuple(re.sub(r"\d+", "N", word) for word in command.words if "/" not in word and not word.isupper())


def test_commands_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run", parse)
    monkeypatch.chdir(ROOT)
    # The recipes of CONTRIBUTING.md are followed by a test of their own.
    found = [each for block in blocks() if block.page != "CONTRIBUTING.md" for each in expanded(block, tmp_path)]
    assert len(found) > 100
    once = {alike(command): command for command in found}.values()
    wrong = {str(command): told(command, monkeypatch) for command in once}
    assert {command: why for command, why in wrong.items() if why} == {}


@pytest.mark.parametrize(
    "line",
    [
        "python -m scripts.embed --checkpoint RUN --input FILES --outt vectors.parquet",
        "python -m scripts.pretrain_audio --data STORE --out RUN --steps many",
        "python -m scripts.pretrain_audio --data STORE --out RUN --config no_such_recipe",
        "python -m scripts.prepare no_such_dataset --root DIR --out STORE",
        "python -m scripts.no_such_command",
        "make no-such-target",
        "no_such_program",
    ],
)
def test_what_is_wrong_is_found(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run", parse)
    (command,) = expanded(Block("page.md", 1, "bash", line), tmp_path)
    assert told(command, monkeypatch)
