"""Bare floats: read by the names that they are given, and refused where these cannot be right."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.raw_floats import read_raw_floats
from randquant.errors import DataError

SCAN = np.c_[np.random.default_rng(0).normal(scale=20, size=(40, 3)), np.linspace(0, 1, 40)].astype("<f4")
RINGS = np.c_[SCAN, np.arange(40) % 32].astype("<f4")


def test_kitti_and_nuscenes(tmp_path: Path) -> None:
    SCAN.tofile(tmp_path / "a.bin")
    RINGS.tofile(tmp_path / "b.pcd.bin")
    for name, names in (("a.bin", ("x", "y", "z", "i")), ("b.pcd.bin", ("x", "y", "z", "i", "ring"))):
        found = read_raw_floats(tmp_path / name, names).values
        assert np.array_equal(np.stack([found[axis] for axis in "xyz"], axis=-1), SCAN[:, :3])


@pytest.mark.parametrize(
    ("content", "names", "words"),
    [
        (SCAN, None, "give --columns, as in x y z i for KITTI"),
        (RINGS[:39], None, "as in x y z i ring for nuScenes, or leave"),
        (SCAN, ("x", "y", "z"), "not a multiple of 3 floats"),
        (SCAN[:0], ("x", "y", "z"), "has 0 bytes"),
        (SCAN.astype("<f8"), ("x", "y", "z", "i"), "no coordinates as 32-bit floats"),
        (np.arange(400, dtype="<i4"), ("x", "y", "z", "i"), "no coordinates as 32-bit floats"),
        (RINGS, ("x", "y", "z", "i"), "a fifth number a point that counts rings"),
    ],
)
def test_wrong_files(content: np.ndarray, names: tuple[str, ...] | None, words: str, tmp_path: Path) -> None:
    content.tofile(tmp_path / "a.bin")
    with pytest.raises(DataError, match=words):
        read_raw_floats(tmp_path / "a.bin", names)
