"""Lists of datasets: what is none is refused by name."""

from pathlib import Path

import pytest

from randquant.data_prep.listing import read_lines
from randquant.errors import DataError


@pytest.mark.parametrize(
    ("text", "words"),
    [("<!DOCTYPE html>\n", "web page"), ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull")],
)
def test_what_is_no_list_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=words):
        list(read_lines(tmp_path / "list.txt", "a list"))
