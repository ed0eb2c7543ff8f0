"""Text files of points: every number as Python reads it, and whatever is wrong with one in a sentence with its line."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.point_table import read_points
from randquant.errors import DataError


@pytest.mark.parametrize("separator", [",", ", ", " ", "\t", "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_as_python_reads_it(tmp_path: Path, separator: str, end: str) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 6)) * 10.0 ** np.arange(-3, 3)
    text = end.join(separator.join(f"{value:.7g}" for value in row) for row in numbers)
    for content in (text, text + end, text.replace(end, end + end, 3), end + text + end * 3):
        (tmp_path / "a.txt").write_text(content, newline="")
        expected = [[float(word) for word in line.replace(",", " ").split()] for line in text.split(end)]
        assert read_points(tmp_path / "a.txt").tolist() == expected
    assert read_points(tmp_path / "a.txt", columns=6).shape == (200, 6)


def test_what_is_no_number_stays(tmp_path: Path) -> None:
    """Whether NaN is allowed is for others to say."""
    (tmp_path / "a.txt").write_text("1,nan,-inf\n4,,6\n7,1.#QNAN,NA\n")
    assert not np.isfinite(read_points(tmp_path / "a.txt")[0, 1:]).any()


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("1,2,3\n4,5\n6,7,8\n", None, "line 2 has 2 cells where the rows above have 3 \\('4,5'\\)"),
        ("1,2,3\n\n4,5,6,7\n6,7,8\n", None, "line 3 has 4 cells where the rows above have 3"),
        ("1,2\n3,4,5,6\n7,8,9\n", 3, "line 2 has 4 cells where the rows above have 2"),
        ("1,2\n3,4\n", 3, "has 2 columns where 3 are expected"),
        ("1,2,3\n4,x,6\n", None, "line 2 reads 'x' where a number is expected"),
        ("<html>\n<body>\n", None, "line 1 reads '<html>'"),
        ("1,2,3\n4,5\x00,6\n", None, "is not text"),
        ("1 2 3\n4,5,6\n", None, "line 2 has 1 cells where"),
        ("z y x\n4 5 6\n", None, "names its columns 'z y x' where x, y, z come first"),
        ("", None, "holds no points"),
        (" \n\n", None, "holds no points"),
    ],
)
def test_wrong_files(tmp_path: Path, content: str, columns: int | None, words: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        read_points(tmp_path / "a.txt", columns)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x80\x04\xff\xfe")
    with pytest.raises(DataError, match="line 1 reads"):
        read_points(tmp_path / "a.txt")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_points(tmp_path / "a.txt")
    with pytest.raises(DataError, match="Is a directory"):
        read_points(tmp_path)
