"""Every block of shell and Python of every page runs, in the order of the page, on miniatures of what it names."""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from randquant.scripts.demo import EXPECTED
from tests.pages import shortened, terminal
from tests.pages.blocks import FOLDERS, ROOT, Block, blocks
from tests.pages.given import GIVEN
from tests.pages.kinds import KINDS, kind_of
from tests.pages.miniatures import make
from tests.pages.unrunnable import FOLLOWED, UNRUNNABLE
from tests.randquant.publishing.hub_server import hub

FILE = re.compile(r"# (\S+\.py)\n")
ALL = blocks("bash", "python")
PAGES = sorted({block.page for block in ALL} - set(FOLLOWED))


@dataclass
class Reader:
    """Who types the blocks of one page into a terminal, each command in the folder of its kind of data."""

    place: Path
    enter: Callable[[str], Path]
    kind: str
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.place / "log"

    def type(self, block: Block) -> int:
        """Run a block; its exit code."""
        if block.language == "bash":
            lines = [line.partition(" #")[0] for line in block.typed.splitlines()]
            text = "\n".join(line for line in lines if not any(held in line for held in UNRUNNABLE))
            for long, short in shortened.TEXT.items():
                text = text.replace(long, short)
            return terminal.run(text, self.folder(text), self.log, self.rewritten)
        if any(held in block.text for held in UNRUNNABLE):
            return 0
        folder = self.folder(block.text)
        if name := FILE.match(block.text):
            (folder / name[1]).write_text(block.text)
            return 0
        return terminal.run_python(GIVEN.get(block.page, "") + block.text, folder, self.log)

    def folder(self, text: str) -> Path:
        """Where a text runs."""
        self.kind = kind_of(text) or self.kind
        return self.enter(self.kind)

    def rewritten(self, words: Sequence[str]) -> terminal.Start:
        """The folder of a command, and the shorter command; what another line of the page has written there is gone."""
        option, module, *arguments = words
        assert option == "-m", words
        folder = self.folder(" ".join(words))
        if "--out" in arguments:
            clear(folder / arguments[arguments.index("--out") + 1])
        name = module.removeprefix("scripts.")
        return terminal.Start(folder, shortened.words_of(module, arguments), shortened.EXIT_CODES.get(name, (0,)))


def clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniatures, made once for all processes of tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "miniatures"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in KINDS:
            place = folder / kind
            if not place.exists():
                place.mkdir()
                make(kind, place, folder / f"{kind}.log")
    return folder


@pytest.fixture
def reader(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """With caches of its own, and a Hub on this machine."""
    for name in ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache" / name))

    def enter(kind: str) -> Path:
        folder = tmp_path / kind
        if not folder.exists():
            shutil.copytree(made / kind, folder, symlinks=True)
            for link in FOLDERS:
                (folder / link).symlink_to(ROOT / link)
        return folder

    with hub("owner/name") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield Reader(tmp_path, enter, "sounds")
    shutil.rmtree(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, reader: Reader) -> None:
    section, wrong = None, []
    for block in ALL:
        if block.page == page:
            if block.section != section:
                section, reader.kind = block.section, kind_of(page) or "sounds"
            reader.log.write_bytes(b"")
            if code := reader.type(block):
                wrong.append(f"{block}: exit code {code}: {reader.log.read_text()[-600:]}")
    assert wrong == []


def test_the_table_of_the_demo_is_shown_as_it_is_printed() -> None:
    shown = [block.text.splitlines() for block in blocks("") if block.text]
    (demo,) = [lines for lines in shown if lines[-1].startswith("pretrained")]
    for expected in EXPECTED.values():
        head = demo.index(next(line for line in demo if line.startswith(expected.what)))
        untrained, pretrained = demo[head + 1 : head + 3]
        assert untrained.endswith(expected.untrained)
        assert pretrained.startswith(f"pretrained, {expected.augmentation} ")
        assert pretrained.endswith(expected.pretrained)


def test_what_cannot_run_is_on_a_page() -> None:
    texts = "\n".join(block.text for block in ALL)
    assert [held for held in (*UNRUNNABLE, *shortened.TEXT) if held not in texts] == []
    assert [page for page in (*FOLLOWED, *GIVEN) if page not in {block.page for block in ALL}] == []
    assert [test for test in FOLLOWED.values() if not (ROOT / test).is_file()] == []
