"""Small files that real programs write and that libraries misread: each reads right, or is refused with its reason."""

from pathlib import Path

import numpy as np
import pytest

from randquant.audio.decode import read_audio
from randquant.data_prep.formats.clouds.cloud_file import read_cloud
from randquant.data_prep.formats.meshes.mesh_file import read_mesh
from randquant.errors import DataError

CASES = Path(__file__).parent / "cases"
CUT_CUBE = 1.5 + 0.5 * 3**0.5  # area of a cube's corner: three half faces and the cut

# Seconds and peak; the tone has .3 of full scale.
SOUNDS = {
    "antiphase_stereo_2s.wav": (2.0, 0.0),
    "cbr_no_xing_cover_2s.mp3": (2.088, 0.285),
    "chained_vorbis_1s_3s.ogg": (4.0, 0.308),
    "concatenated_1s_3s.mp3": (4.0, 0.285),
    "flac_piped_2s.flac": (2.0, 0.3),
    "float_int16_scale_2s.wav": (2.0, 9_831.0),
    "ogg_flac_2s.oga": (2.0, 0.3),
    "s24le_in_32bit_plain_2s.wav": (2.0, 0.3),
    "sizes_zero_2s.wav": (2.0, 0.3),
    "vbr_piped_9s.mp3": (9.072, None),
    "vbr_piped_silence_first_6s.mp3": (6.084, None),
}
MESHES = {
    "NCOFF.off": CUT_CUBE,
    "bin_count0.stl": CUT_CUBE,
    "bin_countmore.stl": CUT_CUBE,
    "bin_extra2.stl": CUT_CUBE,
    "end_solid.stl": CUT_CUBE,
    "fan.gltf": 9.12144,
    "l_shape.obj": 3.0,
    "plain.gltf": 12.0,
    "quantised_normalised.gltf": 12.0,
    "sparse.gltf": 11.74643,
    "star.obj": 0.92705,
    "two_solids_second_unended.stl": 2 * CUT_CUBE,
    "wrapped.off": CUT_CUBE,
}
# Points, and what was counted on the way.
CLOUDS: dict[str, tuple[int, dict[str, int]]] = {
    "comment_mid.xyz": (50, {}),
    "inf.pcd": (49, {"missing_rows": 1}),
    "lower_keys.pcd": (50, {}),
    "organised_zero.pcd": (40, {"zero_rows": 10}),
    "partial_nan.pcd": (49, {"broken_rows": 1}),
    "pts_multi.pts": (50, {"joined_scans": 1}),
    "ptx.ptx": (50, {}),
    "s3dis.txt": (51, {"unread_cells": 1}),
}
REFUSED = {
    "audio/data_size_half_2s.wav": "contradicts itself",
    "points/draco_half.gltf": "KHR_draco_mesh_compression",
    "points/index_noheader.csv": "--columns _ x y z",
    "points/meshopt_half.gltf": "EXT_meshopt_compression",
}
READ = {*(f"audio/{name}" for name in SOUNDS), *(f"points/{name}" for name in (*MESHES, *CLOUDS))}


def test_every_case_has_its_answer() -> None:
    files = {path.relative_to(CASES).as_posix() for path in CASES.glob("*/*") if path.is_file()}
    assert files == READ | REFUSED.keys()


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds(name: str) -> None:
    seconds, peak = SOUNDS[name]
    waveform = read_audio(CASES / "audio" / name)
    assert len(waveform) / 16_000 == pytest.approx(seconds, abs=2e-3)
    if peak is not None:
        assert np.abs(waveform).max() == pytest.approx(peak, rel=0.01, abs=1e-4)


@pytest.mark.parametrize("name", MESHES)
def test_areas(name: str) -> None:
    assert read_mesh(CASES / "points" / name).areas.sum() == pytest.approx(MESHES[name], rel=1e-5)


@pytest.mark.parametrize("name", CLOUDS)
def test_points(name: str) -> None:
    cloud = read_cloud(CASES / "points" / name)
    assert (len(cloud.points), dict(cloud.notes)) == CLOUDS[name]
    assert np.isfinite(cloud.points).all()


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    path = CASES / name
    read = read_audio if name.startswith("audio") else read_mesh if path.suffix == ".gltf" else read_cloud
    with pytest.raises(DataError, match=REFUSED[name]):
        read(path)
