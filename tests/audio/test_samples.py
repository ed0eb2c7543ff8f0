"""What a recording becomes is the same wherever it is read, and what is wrong with its level is counted."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from randquant.audio.decode import read_audio
from randquant.audio.formats import libsndfile
from randquant.audio.formats.wav import pcm16
from randquant.audio.levels import Levels, count_levels, levels_line
from randquant.audio.samples import PLAIN, Channel, Intake, common_intake, read_samples, stream_samples
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.folder import plan_folder
from randquant.data_prep.recordings import read_window, recordings_reader
from randquant.errors import DataError

CASES = Path(__file__).parents[1] / "data_prep" / "cases" / "audio"
RATE = 16_000
INTAKES = [Intake(channel, peak) for channel in ("mean", "left", "right", "loudest") for peak in (False, True)]


def tone(seconds: float = 1.0, rate: int = RATE, peak: float = 0.5) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def flags(path: Path, intake: Intake = PLAIN) -> set[str]:
    return set(count_levels([read_samples(path, intake)[1].columns()]))


def test_int16_comes_back_as_it_was(tmp_path: Path) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int16)
    soundfile.write(tmp_path / "x.wav", samples, RATE)
    read, levels = read_samples(tmp_path / "x.wav")
    np.testing.assert_array_equal(read, samples)
    assert (levels.peak, levels.clipped) == (1.0, 0)


def test_values_are_rounded_and_clipped_and_counted(tmp_path: Path) -> None:
    values = np.array([0.6, -0.6, 1.4, 32768, 40000, -40000], np.float32) / np.float32(32768)
    read, levels = read_samples(write(tmp_path / "x.wav", values))
    assert read.tolist() == [1, -1, 1, 32767, 32767, -32768]
    assert levels.clipped == 2  # full scale itself is no more than rounded


@pytest.mark.parametrize("intake", INTAKES)
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_store_a_stream_and_a_reading_agree_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, intake: Intake, rate: int
) -> None:
    generator = np.random.default_rng(0)
    root = tmp_path / "in"
    root.mkdir()
    loud = generator.normal(0, 0.4, (round(0.7 * rate), 2)).astype(np.float32) * np.array([0.3, 1], np.float32)
    write(root / "a.wav", loud, rate)
    write(root / "b.wav", tone(0.4, rate), rate, "PCM_16")
    store = prepare(recordings_plan(root, intake), tmp_path / "store", workers=1)
    for decoder in (libsndfile, pcm16):
        monkeypatch.setattr(decoder, "BLOCK", 4_000)
    for row, name in enumerate(("a.wav", "b.wav")):
        whole, levels = read_samples(root / name, intake)
        np.testing.assert_array_equal(store.rows(row), whole)
        _, streamed, pieces = stream_samples(root / name, intake)
        np.testing.assert_allclose(np.concatenate(list(pieces)), whole, atol=1 if rate != RATE else 0)
        assert streamed.columns() == pytest.approx(levels.columns(), rel=1e-3)
        _, (window,) = read_window(root / name, 2_000, 4_000, intake)
        np.testing.assert_allclose(window, whole[2_000:4_000], atol=1 if rate != RATE else 0)
    assert store.info["channels"] == intake.channel
    assert store.info.get("peak_normalise", False) == intake.peak_normalise
    if intake.peak_normalise:
        assert all(abs(np.abs(store.rows(row)).max() - 32_767) <= 1 for row in (0, 1))


def recordings_plan(root: Path, intake: Intake):  # type: ignore[no-untyped-def]
    return plan_folder(root, recordings_reader(intake))


@pytest.mark.parametrize(("channel", "expected"), [("left", 0.1), ("right", -0.4), ("loudest", -0.4), ("mean", -0.15)])
def test_channels(tmp_path: Path, channel: Channel, expected: float) -> None:
    stereo = tone(peak=1.0)[:, None] * np.array([0.1, -0.4], np.float32)
    read, _ = read_samples(write(tmp_path / "x.wav", stereo), Intake(channel))
    np.testing.assert_allclose(read, np.rint(32768 * tone(peak=expected)), atol=1)
    mono, _ = read_samples(write(tmp_path / "m.wav", tone()), Intake(channel))
    np.testing.assert_array_equal(mono, read_samples(tmp_path / "m.wav")[0])


def test_the_loudest_channel_is_that_of_the_whole_recording(tmp_path: Path) -> None:
    stereo = np.zeros((4 * RATE, 2), np.float32)
    stereo[: 3 * RATE, 0], stereo[3 * RATE :, 1] = tone(3.0, peak=0.2), tone(1.0, peak=0.9)
    path = write(tmp_path / "x.wav", stereo)
    part, _ = read_samples(path, Intake("loudest"), seconds=1.0)
    assert np.abs(part).max() == 0
    assert np.abs(read_samples(path, Intake("loudest"))[0]).max() > 29_000


def test_cases() -> None:
    antiphase, floats = CASES / "antiphase_stereo_2s.wav", CASES / "float_int16_scale_2s.wav"
    assert flags(antiphase) == {"silent", "cancelling"}
    assert flags(antiphase, Intake("loudest")) == set()
    assert flags(floats) == {"clipped"}
    assert flags(floats, Intake(peak_normalise=True)) == set()
    whole = read_audio(floats)
    np.testing.assert_allclose(
        read_samples(floats, Intake(peak_normalise=True))[0], whole / np.abs(whole).max() * 32767, atol=1
    )


def test_int16_in_an_int32_file_is_silent_and_comes_back_by_its_peak(tmp_path: Path) -> None:
    samples = np.rint(tone() * 32768).astype(np.int32)
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="PCM_32")
    assert flags(tmp_path / "x.wav") == {"silent"}
    read, _ = read_samples(tmp_path / "x.wav", Intake(peak_normalise=True))
    np.testing.assert_allclose(read, samples / np.abs(samples).max() * 32767, atol=1)


@pytest.mark.parametrize(
    ("correlation", "cancels"), [(1.0, False), (0.0, False), (-0.8, False), (-0.95, True), (-1.0, True)]
)
def test_channels_cancel_where_their_correlation_is_near_minus_one(
    tmp_path: Path, correlation: float, cancels: bool
) -> None:
    one, other = np.random.default_rng(0).normal(0, 0.1, (2, RATE))
    second = correlation * one + np.sqrt(1 - correlation**2) * other
    path = write(tmp_path / "x.wav", np.stack([one, second], axis=1))
    assert ("cancelling" in flags(path)) == cancels
    assert "cancelling" not in flags(path, Intake("left"))


def test_quiet_channels_and_silent_ones_do_not_cancel(tmp_path: Path) -> None:
    one_of_two = np.stack([tone(), 0 * tone()], axis=1)
    one_of_six = np.stack([tone(), *([0 * tone()] * 5)], axis=1)
    assert flags(write(tmp_path / "2.wav", one_of_two)) == flags(write(tmp_path / "6.wav", one_of_six)) == set()
    assert flags(write(tmp_path / "0.wav", 0 * one_of_two)) == {"silent"}


@pytest.mark.filterwarnings("error")
def test_levels_beyond_the_numbers_of_float32(tmp_path: Path) -> None:
    tone = np.float32(1e30) * np.sin(np.arange(8_000, dtype=np.float32))
    soundfile.write(tmp_path / "x.wav", np.stack([tone, -tone], axis=1), 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "y.wav", np.stack([tone, tone], axis=1), 16_000, subtype="FLOAT")
    assert flags(tmp_path / "x.wav") == {"silent", "cancelling"}
    assert flags(tmp_path / "y.wav") == {"clipped"}


def test_levels_of_nothing() -> None:
    assert Levels().columns() == {"peak": 0.0, "silent": 1, "clipped": 0, "cancelling": 0}


def test_silence_stays_and_what_is_too_small_to_scale_is_refused(tmp_path: Path) -> None:
    normal = Intake(peak_normalise=True)
    assert np.abs(read_samples(write(tmp_path / "0.wav", 0 * tone()), normal)[0]).max() == 0
    with pytest.raises(DataError, match="too little to scale up"):
        read_samples(write(tmp_path / "x.wav", np.full(100, 1e-42, np.float32)), normal)


def test_further_tracks_are_counted(tmp_path: Path) -> None:
    """A film in two languages: one is read, and that is said."""
    with av.open(str(tmp_path / "x.mka"), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in range(2)]
        for stream, level in zip(streams, (8_000, 0), strict=True):
            frame = av.AudioFrame.from_ndarray(np.full((1, 16_000), level, np.int16), format="s16", layout="mono")
            frame.sample_rate = 16_000
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
    read, levels = read_samples(tmp_path / "x.mka")
    assert (len(read), int(read.max())) == (16_000, 8_000)
    counts = count_levels([levels.columns(), Levels().columns()])
    assert levels_line(counts).endswith("; 1 with several tracks of sound, of which the default one is read")


def test_stores_tell_how_they_were_read_where_they_agree_and_it_is_not_the_default() -> None:
    loudest, mean = {"channels": "loudest", "peak_normalise": True}, {"channels": "mean"}
    assert common_intake([loudest, loudest]) == {"channel": "loudest", "peak_normalise": True}
    assert common_intake([{"channels": "left"}]) == {"channel": "left"}
    assert common_intake([mean, {}]) == common_intake([mean, loudest]) == {}
