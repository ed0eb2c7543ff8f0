"""E57: scans are moved by their poses, invalid points are counted, damaged files are refused and never touched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.e57 import read_e57
from randquant.errors import DataError

pye57 = pytest.importorskip("pye57", reason="pye57 is not installed")

POINTS = np.random.default_rng(0).normal(size=(50, 3))


def write_e57(
    path: Path, scans: Sequence[np.ndarray], poses: Sequence[dict[str, Any]] | None = None, **more: Any
) -> Path:
    """A file of several scans, each with its pose."""
    file = pye57.E57(str(path), mode="w")
    for points, pose in zip(scans, poses or [{}] * len(scans), strict=True):
        data = {f"cartesian{axis}": np.ascontiguousarray(points[:, place]) for place, axis in enumerate("XYZ")}
        file.write_scan_raw({**data, **more}, **pose)
    file.close()
    return path


def places(path: Path) -> np.ndarray:
    found = read_e57(path)
    return np.stack([found.values[axis] for axis in "xyz"], axis=-1)


def test_scans_are_moved_by_their_poses(tmp_path: Path) -> None:
    half = np.sqrt(0.5)
    poses = [
        {"rotation": np.array([half, 0, 0, half]), "translation": np.array([412_345.0, 5_412_345.0, 100.0])},
        {"rotation": np.array([1.0, 0, 0, 0]), "translation": np.array([412_000.0, 5_412_000.0, 0.0])},
    ]
    path = write_e57(tmp_path / "a.e57", [POINTS, POINTS[:20]], poses)
    turned = POINTS[:, [1, 0, 2]] * (-1, 1, 1) + poses[0]["translation"]
    expected = np.concatenate([turned, POINTS[:20] + poses[1]["translation"]])
    assert np.abs(places(path) - expected).max() < 1e-5
    assert read_e57(path).notes == {"joined_scans": 1}


def test_invalid_points_are_left_out(tmp_path: Path) -> None:
    state = np.zeros(50, dtype="b")
    state[[0, 7, 8]] = 2, 1, 2
    path = write_e57(tmp_path / "a.e57", [POINTS], cartesianInvalidState=state)
    assert np.allclose(places(path), POINTS[state == 0], atol=1e-6)
    assert read_e57(path).notes == {"invalid_points": 3}


def test_spherical_coordinates(tmp_path: Path) -> None:
    """Written by hand, since pye57 writes Cartesian ones alone."""
    libe57 = pye57.libe57
    distance = np.linalg.norm(POINTS, axis=1)
    values = {
        "sphericalRange": distance,
        "sphericalAzimuth": np.arctan2(POINTS[:, 1], POINTS[:, 0]),
        "sphericalElevation": np.arcsin(POINTS[:, 2] / distance),
    }
    file = pye57.E57(str(tmp_path / "a.e57"), mode="w")
    image, scan = file.image_file, libe57.StructureNode(file.image_file)
    prototype, buffers = libe57.StructureNode(image), libe57.VectorSourceDestBuffer()
    for name, array in values.items():
        prototype.set(name, libe57.FloatNode(image, 0.0, libe57.E57_DOUBLE))
        buffers.append(libe57.SourceDestBuffer(image, name, array, len(array), True, True))
    points = libe57.CompressedVectorNode(image, prototype, libe57.VectorNode(image, True))
    scan.set("points", points)
    file.data3d.append(scan)
    writer = points.writer(buffers)
    writer.write(len(distance))
    writer.close()
    file.close()
    assert np.allclose(places(tmp_path / "a.e57"), POINTS)


def test_damaged_files(tmp_path: Path) -> None:
    whole = write_e57(tmp_path / "a.e57", [POINTS]).read_bytes()
    path = tmp_path / "b.e57"
    for content in (
        *(whole[:length] for length in range(0, len(whole), 500)),
        whole[:1500] + b"\xff" * 8 + whole[1508:],
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as E57"):
            read_e57(path)
        assert path.read_bytes() == content
