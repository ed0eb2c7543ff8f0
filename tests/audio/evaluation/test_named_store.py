"""Stores by name: the folder's, the dataset's, an alias, a path."""

from collections.abc import Callable
from pathlib import Path

import pytest

from randquant.audio.evaluation.named_store import named_store
from randquant.data.store import Store
from randquant.errors import DataError

WriteStore = Callable[..., Store]


@pytest.fixture
def stores(write_store: WriteStore, tmp_path: Path) -> Path:
    """Folders as a user might name them: one by its alias, one by anything, two of one dataset."""
    write_store("us8k", "us8k")
    write_store("vc1", "voxceleb1")
    write_store("words", "spcv2")
    write_store("languages-by-speaker", "voxforge")
    write_store("languages-by-archive", "voxforge")
    (tmp_path / "not a store").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "folder"),
    [("us8k", "us8k"), ("vc1", "vc1"), ("voxceleb1", "vc1"), ("spcv2", "words"), ("words", "words")],
)
def test_a_name_below_the_stores(stores: Path, name: str, folder: str) -> None:
    assert named_store(name, stores).path == stores / folder


def test_a_path_is_a_path(stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_store(str(stores / "words")).path == stores / "words"
    assert named_store(str(stores / "words"), stores).path == stores / "words"
    (stores / "elsewhere").mkdir()
    monkeypatch.chdir(stores)
    assert named_store("words", stores / "elsewhere").path == Path("words")


def test_stores_that_lead_nowhere_are_refused_whatever_the_task(stores: Path) -> None:
    (stores / "loop").symlink_to("loop")
    for folder in (stores / "loop", stores / "nowhere"):
        with pytest.raises(DataError, match="is not a folder"):
            named_store(str(stores / "words"), folder)
    assert named_store("words", stores).path == stores / "words"


def test_what_is_not_there(stores: Path) -> None:
    with pytest.raises(DataError, match=r"no store nsynth-2 below .*found: spcv2, us8k, voxceleb1, voxforge"):
        named_store("nsynth-2", stores)
    with pytest.raises(DataError, match=r"could be any of .*languages-by-archive, .*languages-by-speaker"):
        named_store("vf", stores)
    with pytest.raises(DataError, match="is not a folder"):
        named_store("ns", stores / "nowhere")
    with pytest.raises(DataError, match="no store at ns"):
        named_store("ns")
