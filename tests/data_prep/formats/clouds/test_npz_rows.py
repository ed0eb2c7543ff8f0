"""One array in an archive, row by row: the same rows as all at once, in any order, and nothing unpickled."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.npz_rows import npz_row, npz_shape
from randquant.errors import DataError

CLOUDS = np.random.default_rng(0).normal(size=(30, 50, 3)).astype(np.float32)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
def test_rows_in_any_order(tmp_path: Path, save: Any, dtype: str) -> None:
    path = tmp_path / "a.npz"
    save(path, data=CLOUDS.astype(dtype), label=np.arange(30))
    assert npz_shape(path) == (30, 50, 3)
    for row in [*range(30), 7, 3, 3, 29, 0]:
        assert np.array_equal(npz_row(path, row), CLOUDS[row])


def test_another_file_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, clouds=CLOUDS)
    assert np.array_equal(npz_row(path, 5), CLOUDS[5])
    np.savez(path, clouds=CLOUDS[::-1, :40])
    assert np.array_equal(npz_row(path, 5), CLOUDS[24, :40])


class Trap:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": CLOUDS, "b": CLOUDS}, r"holds a \(30, 50, 3\), b \(30, 50, 3\)"),
        ({"a": CLOUDS[..., :2]}, r"holds a \(30, 50, 2\)"),
        ({"a": CLOUDS[0]}, r"holds a \(50, 3\)"),
        ({"a": CLOUDS[:0]}, r"holds a \(0, 50, 3\)"),
        ({"a": np.asfortranarray(CLOUDS)}, "should hold one array of clouds"),
        ({"a": CLOUDS.astype(np.int32)}, "should hold one array of clouds"),
        ({"a": np.array([Trap()], dtype=object)}, "should hold one array of clouds"),
        ({}, "holds none"),
    ],
)
def test_wrong_contents(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=words):
        npz_shape(tmp_path / "a.npz")


def test_broken_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        npz_shape(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="is not a NumPy archive"):
        npz_shape(tmp_path / "b.npz")
    np.savez_compressed(tmp_path / "c.npz", data=CLOUDS)
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="is not a NumPy archive"):
        npz_shape(tmp_path / "c.npz")
    middle = len(whole) // 2
    (tmp_path / "d.npz").write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    with pytest.raises(DataError, match="cannot be unpacked"):
        [npz_row(tmp_path / "d.npz", row) for row in range(30)]
