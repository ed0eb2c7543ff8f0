"""PTX: scans are moved by their matrices, rows without a point are counted, and a wrong line is named."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.ptx import read_ptx
from randquant.errors import DataError

POINTS = np.random.default_rng(0).normal(size=(12, 3))
HEAD = "4\n3\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n"
FIXED = "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
MOVED = "0 1 0 0\n-1 0 0 0\n0 0 1 0\n412345.5 5412345.25 100 1\n"  # a quarter to the left, then away


def rows(points: np.ndarray, more: str = "0.5") -> str:
    return "".join(" ".join(f"{value:.17g}" for value in point) + f" {more}\n" for point in points)


def places(path: Path) -> np.ndarray:
    found = read_ptx(path)
    return np.stack([found.values[axis] for axis in "xyz"], axis=-1)


def test_scans_are_moved_by_their_matrices(tmp_path: Path) -> None:
    gaps = POINTS.copy()
    gaps[[2, 5]] = 0
    path = tmp_path / "a.ptx"
    path.write_text(HEAD + FIXED + rows(POINTS) + "\n" + HEAD + MOVED + rows(gaps, "0.5 255 0 0"))
    turned = np.delete(POINTS, [2, 5], axis=0)[:, [1, 0, 2]] * (-1, 1, 1) + (412_345.5, 5_412_345.25, 100)
    assert np.allclose(places(path), np.concatenate([POINTS, turned]), rtol=0, atol=1e-8)
    assert read_ptx(path).notes == {"empty_points": 2, "joined_scans": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no scan"),
        ("x y z\n1 2 3\n", "line 1 reads 'x y z' where the number of a scan's columns"),
        (HEAD.replace("1 0 0", "1 0"), "line 4 reads '1 0' where 3 numbers of a scan's head"),
        (HEAD + FIXED.replace("1", "0") + rows(POINTS), "line 10 ends a matrix that moves no points"),
        (HEAD + FIXED + rows(POINTS[:11]), "ends after 11 of the 12 points"),
        (HEAD + FIXED + rows(POINTS) + HEAD, "line 28 reads '' where 4 numbers"),
        (HEAD + FIXED + rows(POINTS[:5]) + "1 2 three 4\n" + rows(POINTS[:6]), "line 16 reads '1 2 three 4'"),
        (HEAD + FIXED + rows(POINTS[:5]) + "1 2 3\n" + rows(POINTS[:6]), "line 16 reads '1 2 3'"),
        (HEAD + FIXED + rows(POINTS, "1 2"), "scans of 5 numbers a point"),
        (HEAD + FIXED + rows(POINTS) + rows(POINTS[:1]), "line 23 reads"),
    ],
)
def test_wrong_files(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.ptx").write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        read_ptx(tmp_path / "a.ptx")
    assert "\n" not in str(caught.value)
