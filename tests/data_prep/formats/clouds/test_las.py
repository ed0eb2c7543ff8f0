"""LAS and LAZ: every point in double precision, what is flagged is counted, truncated and damaged files are refused."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.las import read_las
from randquant.errors import DataError

laspy = pytest.importorskip("laspy", reason="laspy is not installed")
pytest.importorskip("lazrs", reason="lazrs is not installed")

POINTS = np.random.default_rng(0).normal(size=(50, 3))
NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)


def write_las(path: Path, points: np.ndarray = POINTS, form: int = 3, version: str = "1.2", **flags: Any) -> Path:
    """A file of these points and their directions, scaled to micrometres."""
    header = laspy.LasHeader(point_format=form, version=version)
    header.scales, header.offsets = np.full(3, 1e-6), np.floor(points.min(axis=0))
    for axis in "XYZ":
        header.add_extra_dim(laspy.ExtraBytesParams(name=f"Normal{axis}", type=np.float64))
    las = laspy.LasData(header)
    las.x, las.y, las.z = points.T
    for axis, values in zip("XYZ", (points / np.linalg.norm(points, axis=1, keepdims=True)).T, strict=True):
        las[f"Normal{axis}"] = values
    for name, values in flags.items():
        las[name] = values
    las.write(str(path))
    return path


@pytest.mark.parametrize(("form", "version"), [(0, "1.2"), (3, "1.2"), (6, "1.4"), (7, "1.4")])
@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_points_of_a_survey(suffix: str, form: int, version: str, tmp_path: Path) -> None:
    points = POINTS + np.array([412_345.0, 5_412_345.0, 512.0])
    withheld = np.arange(50) < 3
    path = write_las(tmp_path / f"a{suffix}", points, form, version, withheld=withheld, classification=[7, *[2] * 49])
    found = read_las(path)
    assert np.abs(np.stack([found.values[axis] for axis in "xyz"], axis=-1) - points).max() < 1e-6
    assert np.allclose(
        np.stack([found.values[f"n{axis}"] for axis in "xyz"], axis=-1)[0], points[0] / np.linalg.norm(points[0])
    )
    assert found.notes == {"withheld_points": 3, "noise_points": 1}


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_a_truncated_file(suffix: str, tmp_path: Path) -> None:
    whole = write_las(tmp_path / f"a{suffix}").read_bytes()
    for length in range(0, len(whole) - 1, len(whole) // 25):
        (tmp_path / f"b{suffix}").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"restore it|leave it out"):
            read_las(tmp_path / f"b{suffix}")


def test_bounds_in_the_header(tmp_path: Path) -> None:
    """LAS 1.2 has the greatest and least x, y, z from byte 179 on."""
    data = bytearray(write_las(tmp_path / "a.las").read_bytes())
    bounds = np.frombuffer(bytes(data[179:227]), dtype="<f8")

    def notes(changed: np.ndarray) -> dict[str, int]:
        data[179:227] = changed.astype("<f8").tobytes()
        (tmp_path / "b.las").write_bytes(data)
        return dict(read_las(tmp_path / "b.las").notes)

    assert not notes(bounds)
    assert notes(np.zeros(6)) == notes(bounds * 2) == {"other_bounds": 1}
    with pytest.raises(DataError, match="points outside the bounds"):
        notes(bounds * 0.5)


def test_no_point(tmp_path: Path) -> None:
    path = tmp_path / "a.las"
    laspy.LasData(laspy.LasHeader(point_format=3, version="1.2")).write(str(path))
    assert not len(read_las(path).values["x"])


def test_more_points_than_the_header_counts(tmp_path: Path) -> None:
    data = bytearray(write_las(tmp_path / "a.las").read_bytes())
    data[107:111] = (20).to_bytes(4, "little")
    (tmp_path / "b.las").write_bytes(data)
    with pytest.raises(DataError, match="says that it has 20 points and more follow"):
        read_las(tmp_path / "b.las")
    (tmp_path / "c.las").write_bytes((tmp_path / "a.las").read_bytes() + bytes(64))
    assert len(read_las(tmp_path / "c.las").values["x"]) == 50


def test_a_table_of_more_chunks_than_the_file_has_room_for(tmp_path: Path) -> None:
    path = write_las(tmp_path / "a.laz")
    content = bytearray(path.read_bytes())
    (points,) = struct.unpack_from("<I", content, 96)
    (table,) = struct.unpack_from("<q", content, points)
    struct.pack_into("<I", content, table + 4, 2**32 - 2)
    path.write_bytes(content)
    with pytest.raises(DataError, match="chunks"):
        read_las(path)
