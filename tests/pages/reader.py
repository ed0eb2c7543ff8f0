"""Who types the blocks of one page into a terminal, each command in the folder of its kind of data."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.pages import shortened, terminal
from tests.pages.blocks import Block
from tests.pages.given import GIVEN
from tests.pages.kinds import kind_of
from tests.pages.unrunnable import UNRUNNABLE

# The first line of a block that is a file.
FILE = re.compile(r"# (\S+\.py)\n")


@dataclass
class Reader:
    """Reads one page.

    Args:
        place: folder of its own.
        enter: gives the folder of a kind of data, with the miniatures.
        page: path of the page, from the root.
    """

    place: Path
    enter: Callable[[str], Path]
    page: str
    kind: str = field(init=False)
    log: Path = field(init=False)
    section: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.log = self.place / "log"

    def type(self, block: Block) -> str | None:
        """Run a block; what is wrong with it, None if nothing is."""
        if block.section != self.section:
            self.section, self.kind = block.section, kind_of(self.page) or "sounds"
        self.log.write_bytes(b"")
        code = self._bash(block) if block.language == "bash" else self._python(block)
        return f"{block}: exit code {code}: {self.log.read_text()[-600:]}" if code else None

    def _bash(self, block: Block) -> int:
        lines = [line.partition(" #")[0] for line in block.typed.splitlines()]
        text = "\n".join(line for line in lines if not any(held in line for held in UNRUNNABLE))
        if not text.strip():
            return 0
        for long, short in shortened.TEXT.items():
            text = text.replace(long, short)
        return terminal.run_bash(text, self._folder(text), self.log, self._rewritten)

    def _python(self, block: Block) -> int:
        if any(held in block.text for held in UNRUNNABLE):
            return 0
        folder = self._folder(block.text)
        if name := FILE.match(block.text):
            (folder / name[1]).write_text(block.text)
            return 0
        return terminal.run_python(GIVEN.get(block.page, "") + block.text, folder, self.log)

    def _folder(self, text: str) -> Path:
        self.kind = kind_of(text) or self.kind
        return self.enter(self.kind)

    def _rewritten(self, module: str, arguments: Sequence[str]) -> terminal.Start:
        """A shorter command; what another line of the page has written at its `--out` is gone."""
        folder = self._folder(" ".join([module, *arguments]))
        if "--out" in arguments:
            _clear(folder / arguments[arguments.index("--out") + 1])
        return shortened.start(folder, module, arguments)


def _clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
