"""Whether a file can be written, asked beforehand."""

import errno
import tempfile
from pathlib import Path

import pytest

from randquant.files.writable import require_writable


def test_nothing_is_made(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "newer" / "file.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError) as raised:
        require_writable(tmp_path / "file" / "new" / "file.onnx")
    assert raised.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "wb", buffering=0))  # noqa: SIM115
    with pytest.raises(OSError, match="No space left") as raised:
        require_writable(tmp_path / "file.onnx")
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(tmp_path / "file.onnx"))
