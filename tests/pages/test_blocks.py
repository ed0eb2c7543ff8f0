"""Every block of shell and Python of every page runs, in the order of the page, on miniatures of what it names."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from randquant.scripts.demo import EXPECTED
from tests.pages import shortened
from tests.pages.blocks import FOLDERS, ROOT, blocks
from tests.pages.given import GIVEN
from tests.pages.miniatures import make
from tests.pages.reader import Reader
from tests.pages.unrunnable import FOLLOWED, UNRUNNABLE
from tests.randquant.publishing.hub_server import hub

ALL = blocks("bash", "python")
PAGES = sorted({block.page for block in ALL} - set(FOLLOWED))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the miniatures, which all processes of tests share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "miniatures"
    folder.mkdir(exist_ok=True)
    return folder


def made(kind: str, shared: Path) -> Path:
    """The miniatures of a kind of data: made by the first that asks, while others that ask wait."""
    folder = shared / kind
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            part.mkdir()
            make(kind, part, folder.with_suffix(".log"))
            part.rename(folder)
    return folder


@pytest.fixture
def reader(page: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """With caches of its own, and a Hub on this machine."""
    for name in ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache" / name))

    def enter(kind: str) -> Path:
        folder = tmp_path / kind
        if not folder.exists():
            shutil.copytree(made(kind, shared), folder, symlinks=True)
            for link in FOLDERS:
                (folder / link).symlink_to(ROOT / link)
        return folder

    with hub("owner/name") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield Reader(tmp_path, enter, page)
    shutil.rmtree(tmp_path)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, reader: Reader) -> None:
    told = [reader.type(block) for block in ALL if block.page == page]
    assert [wrong for wrong in told if wrong] == []


def test_the_table_of_the_demo_is_shown_as_it_is_printed() -> None:
    shown = [block.text.splitlines() for block in blocks("") if block.text]
    (demo,) = [lines for lines in shown if lines[-1].startswith("pretrained")]
    for expected in EXPECTED.values():
        head = demo.index(next(line for line in demo if line.startswith(expected.what)))
        untrained, pretrained = demo[head + 1 : head + 3]
        assert untrained.endswith(expected.untrained)
        assert pretrained.startswith(f"pretrained, {expected.augmentation} ")
        assert pretrained.endswith(expected.pretrained)


def test_every_entry_of_the_tables_is_for_something_on_a_page() -> None:
    texts = "\n".join(block.text for block in ALL)
    assert [held for held in (*UNRUNNABLE, *shortened.TEXT) if held not in texts] == []
    names = {key.split()[0] for key in (*shortened.FLAGS, *shortened.SETTINGS, *shortened.EXIT_CODES)}
    assert [name for name in names if f"scripts.{name} " not in texts] == []
    assert [page for page in (*FOLLOWED, *GIVEN) if page not in {block.page for block in ALL}] == []
    assert [test for test in FOLLOWED.values() if not (ROOT / test).is_file()] == []
