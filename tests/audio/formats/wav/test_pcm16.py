"""16-bit PCM is read as libsndfile reads it, and stored as what it is where nothing is to be done."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.audio.formats.engine import open_recording
from randquant.audio.formats.wav import pcm16, wav_header
from randquant.audio.formats.wav.pcm16 import PCM16
from randquant.audio.levels import Levels
from randquant.audio.samples import _mixer, _stored, stream_samples
from randquant.errors import DataError

NOISE = np.random.default_rng(0).integers(-32_768, 32_768, (2_311, 2)).astype(np.int16)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", [{}, {"endian": "BIG"}, {"format": "WAVEX"}, {"format": "RF64"}, {"format": "W64"}])
def test_frames_are_those_of_libsndfile(
    tmp_path: Path, channels: int, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pcm16, "BLOCK", 500)
    path = tmp_path / "x.wav"
    soundfile.write(path, NOISE[:, :channels], 16_000, subtype="PCM_16", **{"format": "WAV", **options})
    for start, stop in ((0, None), (700, 1_900), (3, 4), (0, 9_000)):
        with open_recording(path) as recording:
            assert isinstance(recording, PCM16)
            expected, _ = soundfile.read(path, start=start, stop=stop, dtype="float32", always_2d=True)
            np.testing.assert_array_equal(np.concatenate(list(recording.blocks(start, stop))), expected)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(np.concatenate(list(recording.integers() or ())), NOISE[:, :channels])


def test_the_plain_header_says_what_its_chunks_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.wav"
    for channels, subtype in ((1, "PCM_16"), (2, "PCM_24"), (3, "PCM_U8")):
        soundfile.write(path, np.zeros((50, channels)), 8_000, subtype=subtype)
        with open(path, "rb") as file:
            plain = wav_header.read_wav_header(path, file)
            with monkeypatch.context() as patched:
                patched.setattr(wav_header, "_plain_layout", lambda head, size: None)
                assert plain == wav_header.read_wav_header(path, file)


def test_a_plain_header_that_states_too_much_is_looked_into(tmp_path: Path) -> None:
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 40, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 9)
    assert wav_header._plain_layout(head, 44) is None
    assert wav_header._plain_layout(head, 53) is not None
    assert wav_header._plain_layout(head[:43], 53) is None


def test_a_file_that_is_cut_off_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, NOISE, 16_000, subtype="PCM_16")
    with open_recording(path) as recording:
        with open(path, "r+b") as file:
            file.truncate(44 + 8_000)
        with pytest.raises(DataError, match=r"truncated \(2,000 of 2,311 frames are there\)"):
            list(recording.blocks())


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au"])
@pytest.mark.parametrize("factor", [0.0, 0.0001, 1.0])
def test_integers_are_stored_as_through_floats(tmp_path: Path, suffix: str, factor: float) -> None:
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, (NOISE[:, :1] * factor).astype(np.int16), 16_000, subtype="PCM_16")
    slow = Levels()
    with open_recording(path) as recording:
        assert recording.integers() is not None
        mix = _mixer(None, slow)
        expected = np.concatenate([_stored(mix(block, recording), 1.0, slow) for block in recording.blocks()])
    rate, levels, pieces = stream_samples(path)
    samples = np.concatenate(list(pieces))
    np.testing.assert_array_equal(samples, expected)
    assert (rate, samples.dtype, levels.columns()) == (16_000, np.int16, slow.columns())
