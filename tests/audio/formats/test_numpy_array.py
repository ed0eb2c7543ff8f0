"""NumPy files are waveforms where their shape and type leave no doubt."""

from pathlib import Path

import numpy as np
import pytest

from randquant.audio.samples import Intake, read_samples
from randquant.data_prep.own_files.folder import plan_folder
from randquant.errors import DataError

TONE = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000) * 0.5


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("<i2", 2**15), (">i2", 2**15), ("<i4", 2**31), ("<f2", 1), ("<f4", 1), (">f4", 1), ("<f8", 1)],
)
@pytest.mark.parametrize("shape", ["T", "TC", "CT", "fortran"])
def test_types_and_shapes(tmp_path: Path, dtype: str, scale: float, shape: str) -> None:
    array = (TONE * scale).astype(dtype)
    if shape != "T":
        array = np.stack([array, array], axis=1)
    array = {"CT": array.T, "fortran": np.asfortranarray(array)}.get(shape, array)
    np.save(tmp_path / "x.npy", array)
    read, _ = read_samples(tmp_path / "x.npy")
    np.testing.assert_allclose(read, TONE * 32768, atol=20 if dtype == "<f2" else 1.5)


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", TONE.astype(np.float32))
    assert len(read_samples(tmp_path / "x.npy", Intake(array_rate=8_000))[0]) == 32_000
    assert len(read_samples(tmp_path / "x.npy", Intake(array_rate=32_000), seconds=0.1)[0]) == 1_600


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((64, 96), np.float32), "the shape (64, 96), which is not a waveform"),
        (np.zeros((2, 2, 16_000), np.float32), "one or two dimensions"),
        (np.zeros(16_000, np.uint8), "holds uint8"),
        (np.zeros(16_000, np.int64), "holds int64"),
        (np.zeros(16_000, np.complex64), "holds complex64"),
        (np.zeros(0, np.float32), "holds no samples"),
        (np.float32(1), "one or two dimensions"),
        (np.array([{}]), "is not a NumPy file that can be read"),
        (np.full(100, np.nan), "NaN or infinite"),
    ],
)
def test_what_is_no_waveform_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError) as caught:
        read_samples(tmp_path / "x.npy")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", TONE)
    data = (tmp_path / "x.npy").read_bytes()
    for harm in (data[:8], data[:100], data[:-5]):
        (tmp_path / "x.npy").write_bytes(harm)
        with pytest.raises(DataError, match="not a NumPy file"):
            read_samples(tmp_path / "x.npy")


def test_arrays_beside_recordings_are_taken_only_where_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", TONE)
    assert [item.path for item in plan_folder(tmp_path).items] == ["x.npy"]
    (tmp_path / "y.wav").write_bytes(b"RIFF")
    assert [item.path for item in plan_folder(tmp_path).items] == ["y.wav"]
    assert [item.path for item in plan_folder(tmp_path, arrays=True).items] == ["x.npy", "y.wav"]
