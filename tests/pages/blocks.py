"""The shell blocks of the pages, and the commands that bash makes of them."""

import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("common", "audio", "pointcloud", "data_prep", "scripts")
FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

# bash expands variables, loops and quotes; every word that is no builtin comes to the handler, which writes it down.
_RECORDER = r"""
exec 9>"$RECORD"
command_not_found_handle() { printf '%s\x1f' "$@" >&9; printf '\x1e' >&9; }
source() { command_not_found_handle source "$@"; }
cd() { command_not_found_handle cd "$@"; }
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `line` is that of its fence, `section` the heading above it."""

    page: str
    line: int
    language: str
    text: str
    section: str = ""

    @property
    def typed(self) -> str:
        """What is typed of it: what a page leaves to the reader, "[STORE ...]" or "[--window 1]", is not."""
        return re.sub(r"(?<!:) \[[^\]\n]*\]", "", self.text) if self.language == "bash" else self.text

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command as bash runs it, its loops and variables expanded."""

    block: Block
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.block} {' '.join(self.words)}"


@cache
def pages() -> tuple[Path, ...]:
    """Every page for readers, below the root."""
    found = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
    return tuple(sorted(page.relative_to(ROOT) for page in found))


@cache
def blocks(*languages: str) -> tuple[Block, ...]:
    """The blocks in these languages, bash where none is named, of all pages and in their order."""
    return tuple(block for page in pages() for block in _of(page) if block.language in (languages or ("bash",)))


def _of(page: Path) -> Iterator[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        headings = HEADING.findall(FENCED.sub("", text[: found.start()]))
        section = headings[-1] if headings else ""
        yield Block(page.as_posix(), line, found["language"], textwrap.dedent(found["text"]), section)


def expanded(block: Block, folder: Path) -> list[Command]:
    """The commands of a block in their order; none of them is run.

    Args:
        block: in bash.
        folder: where files of redirections go.
    """
    record = folder / "record"
    script = _RECORDER + block.typed
    environment = {"PATH": "/nowhere", "RECORD": str(record), "HOME": os.environ.get("HOME", "/")}
    subprocess.run(["/bin/bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
    lines = record.read_text(encoding="utf-8").split("\x1e")[:-1]
    return [Command(block, tuple(line.split("\x1f")[:-1])) for line in lines]
