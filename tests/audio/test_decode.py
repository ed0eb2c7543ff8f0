"""Every format, rate and depth comes out as the same waveform; a part equals the part of the whole; errors speak."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from randquant.audio.decode import read_audio, stream_audio
from randquant.audio.formats.recording import Block
from randquant.audio.formats.wav import pcm16
from randquant.audio.formats.wav.pcm16 import PCM16
from randquant.errors import DataError

REAL = Path(__file__).parents[2].parent / "shared" / "data"


def noise(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """White noise below full scale: it has energy wherever a filter might go wrong."""
    samples = np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    return np.clip(0.1 * samples, -0.9, 0.9).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "MS_ADPCM"])
def test_wav_depths(tmp_path: Path, subtype: str) -> None:
    samples = noise(0.5, 16000)
    waveform = read_audio(write(tmp_path / "x.wav", samples, 16000, subtype))
    tolerance = {"PCM_U8": 1 / 128, "PCM_16": 1e-4, "MS_ADPCM": 0.3}.get(subtype, 1e-6)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    np.testing.assert_allclose(waveform[:8000], samples[: len(waveform), 0], atol=tolerance)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff", "caf", "au", "w64"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    rate = 44100
    time = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    waveform = read_audio(write(tmp_path / f"x.{suffix}", tone, rate))
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(waveform) == 16000
    assert np.abs(waveform - expected)[800:-800].max() < 0.02


def test_opus(tmp_path: Path) -> None:
    path = tmp_path / "x.opus"
    soundfile.write(path, noise(1, 48000), 48000, format="OGG", subtype="OPUS")
    assert len(read_audio(path)) == 16000


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_rates_are_soxr_hq_of_the_channels_mean(tmp_path: Path, rate: int) -> None:
    samples = noise(0.7, rate, channels=2)
    waveform = read_audio(write(tmp_path / "x.wav", samples, rate, "FLOAT"))
    expected = soxr.resample(samples.mean(axis=1), rate, 16000, quality="HQ")
    np.testing.assert_allclose(waveform, expected, atol=1e-6)


def test_other_target_rate(tmp_path: Path) -> None:
    assert len(read_audio(write(tmp_path / "x.wav", noise(1, 44100), 44100), sample_rate=32000)) == 32000


PARTS = [(0.0, 0.5), (0.7, 0.5), (1.23456, 1.0), (0.02, 0.02), (1.9, 5.0), (1.5, None)]


@pytest.mark.parametrize("rate", [7919, 8000, 15999, 16000, 22050, 44100, 192000])
def test_part_equals_part_of_the_whole(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "x.wav", noise(2, rate), rate, "FLOAT")
    assert_parts_fit(path)


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate"),
    [
        ("flac", None, 44100),
        ("ogg", "VORBIS", 44100),
        ("ogg", "VORBIS", 16000),
        ("ogg", "OPUS", 48000),
        ("ogg", "OPUS", 16000),
        ("mp3", None, 44100),
        ("mp3", None, 16000),
        ("wav", "MS_ADPCM", 22050),
    ],
)
def test_part_equals_part_of_the_whole_in_compressed_formats(
    tmp_path: Path, suffix: str, subtype: str | None, rate: int
) -> None:
    assert_parts_fit(write(tmp_path / f"x.{suffix}", noise(2.5, rate), rate, subtype))


def assert_parts_fit(path: Path) -> None:
    whole = read_audio(path)
    for start, seconds in PARTS:
        first = round(start * 16000)
        last = None if seconds is None else first + round(seconds * 16000)
        part = read_audio(path, start_seconds=start, seconds=seconds)
        assert part.shape == whole[first:last].shape
        np.testing.assert_allclose(part, whole[first:last], atol=1e-6)


def test_a_part_of_a_long_recording_reads_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.wav", noise(30, 48000), 48000)
    ranges = []
    original = PCM16.blocks

    def watched(recording: PCM16, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        assert stop is not None
        ranges.append(stop - start)
        return original(recording, start, stop)

    monkeypatch.setattr(PCM16, "blocks", watched)
    read_audio(path, start_seconds=10, seconds=1)
    assert ranges[0] < 1.1 * 48000


@pytest.mark.parametrize("rate", [16000, 44100])
def test_streaming_in_blocks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    path = write(tmp_path / "x.wav", noise(2, rate, channels=2), rate)
    whole = read_audio(path)
    monkeypatch.setattr(pcm16, "BLOCK", 5000)
    own_rate, stream = stream_audio(path)
    pieces = list(stream)
    assert own_rate == rate
    assert len(pieces) > 5
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_twenty_milliseconds(tmp_path: Path) -> None:
    assert len(read_audio(write(tmp_path / "x.wav", noise(0.02, 8000), 8000))) == 320


def assert_refused(path: Path, *words: str) -> None:
    for read in (read_audio, lambda path: list(stream_audio(path)[1])):
        with pytest.raises(DataError) as caught:
            read(path)
        message = str(caught.value)
        assert str(path) in message
        assert "\n" not in message
        assert all(word in message for word in words), message


def test_absent_and_empty(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.wav", "does not exist")
    assert_refused(tmp_path, "is a folder")
    (tmp_path / "empty.wav").touch()
    assert_refused(tmp_path / "empty.wav", "empty (0 bytes)")
    assert_refused(write(tmp_path / "header.wav", np.empty(0), 16000), "no samples")
    assert_refused(write(tmp_path / "short.wav", np.ones(1), 192000), "too short")


def test_not_audio(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("these are not the samples you are looking for")
    assert_refused(tmp_path / "notes.wav", "not audio")
    (tmp_path / "x.raw").write_bytes(bytes(1000))
    assert_refused(tmp_path / "x.raw", "not audio")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au", "w64"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"x.{suffix}", noise(2, 44100), 44100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    assert_refused(path)
    path.write_bytes(content)
    read_audio(path)


def test_length_left_open_by_a_pipe(tmp_path: Path) -> None:
    """What `ffmpeg … -f wav -` writes: the sizes are not known when the header goes out."""
    path = write(tmp_path / "x.wav", noise(0.1, 16000), 16000)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert len(read_audio(path)) == 1600


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(tmp_path: Path, value: float) -> None:
    samples = noise(0.1, 16000)
    samples[100] = value
    assert_refused(write(tmp_path / "x.wav", samples, 16000, "FLOAT"), "NaN")


def test_start_past_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", noise(1, 44100), 44100)
    with pytest.raises(DataError, match=r"no samples after 1\.5 s"):
        read_audio(path, start_seconds=1.5)


@pytest.mark.parametrize("arguments", [{"start_seconds": -1}, {"seconds": 0}, {"sample_rate": 0}])
def test_bad_arguments(tmp_path: Path, arguments: dict) -> None:
    with pytest.raises(ValueError, match="should be"):
        read_audio(tmp_path / "x.wav", **arguments)


@pytest.mark.skipif(not REAL.is_dir(), reason="real recordings are not beside this repository")
def test_real_recordings() -> None:
    for pattern in ("fsdd/recordings/*.wav", "esc10/*/*.ogg", "librispeech/*/**/*.flac"):
        for path in sorted(REAL.glob(pattern))[:3]:
            waveform = read_audio(path)
            assert len(waveform) == pytest.approx(soundfile.info(path).duration * 16000, abs=1)
            assert 0.001 < np.abs(waveform).max() <= 1.1
