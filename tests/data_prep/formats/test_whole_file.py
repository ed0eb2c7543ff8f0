"""Bytes, or a sentence."""

from pathlib import Path

import pytest

from data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError


def test_bytes_or_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\1")
    assert read_bytes(tmp_path / "a") == b"\0\1"
    with pytest.raises(DataError, match=r"b cannot be read \(No such file or directory\); check the path"):
        read_bytes(tmp_path / "b")
    with pytest.raises(DataError, match="Is a directory"):
        read_bytes(tmp_path)
