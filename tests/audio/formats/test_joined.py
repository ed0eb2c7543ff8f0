"""Files of unknown length and files that were joined: decoded to the end, nothing doubled or dropped at the joints."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.audio.decode import read_audio, stream_audio
from randquant.audio.formats.engine import header_of
from randquant.errors import DataError
from tests.audio.formats.encoded import encode
from tests.audio.formats.waves import RATE, TONE

CASES = Path(__file__).parents[2] / "data_prep" / "cases" / "audio"
# Seconds that each holds, whatever its header says.
SECONDS = {
    "cbr_no_xing_cover_2s.mp3": 2.088,
    "vbr_piped_9s.mp3": 9.072,
    "vbr_piped_silence_first_6s.mp3": 6.084,
    "concatenated_1s_3s.mp3": 4.0,
    "chained_vorbis_1s_3s.ogg": 4.0,
    "ogg_flac_2s.oga": 2.0,
    "flac_piped_2s.flac": 2.0,
}


@pytest.mark.parametrize("name", SECONDS)
def test_cases(name: str) -> None:
    samples = read_audio(CASES / name)
    assert len(samples) == round(SECONDS[name] * 16_000)
    part = read_audio(CASES / name, start_seconds=0.9, seconds=0.5)
    np.testing.assert_allclose(part, samples[14_400:22_400], atol=1e-6)
    np.testing.assert_array_equal(np.concatenate(list(stream_audio(CASES / name)[1])), samples)


@pytest.mark.parametrize(("suffix", "length"), [("ogg", 60), ("mp3", 60)])
def test_a_beginning_alone_is_damaged_or_truncated(tmp_path: Path, suffix: str, length: int) -> None:
    path = tmp_path / f"head.{suffix}"
    path.write_bytes(written(tmp_path, suffix)[:length])
    with pytest.raises(DataError, match=r"is damaged \(nothing follows|is truncated \(0 of"):
        read_audio(path)


def written(folder: Path, suffix: str, samples: np.ndarray = TONE, rate: int = RATE) -> bytes:
    path = folder / f"part.{suffix}"
    soundfile.write(
        path, samples, rate, subtype="OPUS" if suffix == "opus" else None, format="OGG" if suffix == "opus" else None
    )
    return path.read_bytes()


@pytest.mark.parametrize("suffix", ["ogg", "opus", "flac", "mp3"])
def test_joined_files_are_their_parts_one_after_the_other(tmp_path: Path, suffix: str) -> None:
    parts = [written(tmp_path, suffix, samples) for samples in (TONE, TONE[::-1][:17_000], TONE)]
    apart = []
    for number, part in enumerate(parts):
        (tmp_path / f"{number}.{suffix}").write_bytes(part)
        apart.append(read_audio(tmp_path / f"{number}.{suffix}"))
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(b"".join(parts))
    samples = read_audio(joined)
    np.testing.assert_allclose(samples, np.concatenate(apart), atol=1e-6)
    middle = read_audio(joined, start_seconds=1.9, seconds=1.3)
    np.testing.assert_allclose(middle, samples[30_400:51_200], atol=1e-6)


@pytest.mark.parametrize("suffix", ["ogg", "flac", "mp3"])
def test_joined_files_of_two_rates_are_refused(tmp_path: Path, suffix: str) -> None:
    first = written(tmp_path, suffix)
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(first + written(tmp_path, suffix, np.repeat(TONE, 2), 2 * RATE))
    with pytest.raises(DataError, match=r"16,000 Hz and .* 32,000"):
        read_audio(path)
    path.write_bytes(first + written(tmp_path, suffix, np.stack([TONE, TONE], axis=1)))
    with pytest.raises(DataError, match=r"and 1 channel, .* and 2 channels"):
        read_audio(path)


def with_total(content: bytes, frames: int) -> bytes:
    numbers = int.from_bytes(content[18:26], "big") >> 36 << 36 | frames
    return content[:18] + numbers.to_bytes(8, "big") + content[26:]


@pytest.mark.parametrize("frames", [0, 1, 16_000, 31_999, 32_000])
def test_flac_whose_header_counts_too_few(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(with_total(written(tmp_path, "flac"), frames))
    np.testing.assert_allclose(read_audio(path), TONE, atol=1e-4)


def test_flac_that_lacks_something(tmp_path: Path) -> None:
    content = written(tmp_path, "flac")
    middle = len(content) // 2
    path = tmp_path / "x.flac"
    for damaged in (
        with_total(content, 64_000),
        content[:middle],
        content[:middle] + bytes(50) + content[middle + 50 :],
        content[:middle] + content[middle + 3_000 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged|truncated"):
            read_audio(path)


def test_flac_behind_and_before_tags(tmp_path: Path) -> None:
    content = written(tmp_path, "flac")
    path = tmp_path / "x.flac"
    path.write_bytes(b"ID3\x04\0\0\0\0\x02\0" + bytes(256) + content + b"TAG" + bytes(125))
    np.testing.assert_allclose(read_audio(path), TONE, atol=1e-4)


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_ogg_that_lacks_something(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).standard_normal(8 * RATE) * 0.1
    content = written(tmp_path, suffix, noise)
    pages = [place for place in range(len(content)) if content[place : place + 4] == b"OggS"]
    path = tmp_path / f"x.{suffix}"
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    for damaged in (content[:-1], content[: pages[-2]] + content[pages[-1] :], bytes(changed)):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged|truncated"):
            read_audio(path)
    path.write_bytes(content + b"TAG" + bytes(125))
    assert len(read_audio(path)) == len(noise)


def test_joined_opus_is_of_one_rate_whatever_it_was_made_from(tmp_path: Path) -> None:
    path = tmp_path / "x.opus"
    path.write_bytes(written(tmp_path, "opus") + written(tmp_path, "opus", np.repeat(TONE, 3), 3 * RATE))
    samples = read_audio(path)
    assert abs(len(samples) - 64_000) < 160
    for part in (samples[4_000:20_000], samples[36_000:52_000]):
        assert np.argmax(np.abs(np.fft.rfft(part))) == 440


@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("wma", "wmav2"), ("caf", "pcm_s16be"), ("tta", "tta")])
def test_kinds_that_cannot_be_joined(tmp_path: Path, suffix: str, codec: str) -> None:
    """FFmpeg reads the first alone."""
    path = encode(tmp_path / f"x.{suffix}", codec)
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(DataError, match="is several recordings joined"):
        read_audio(path)


def test_wavpack_behind_an_id3_tag(tmp_path: Path) -> None:
    content = encode(tmp_path / "x.wv", "wavpack").read_bytes()
    (tmp_path / "y.wv").write_bytes(b"ID3\x03\0\0\0\0\1\x48" + bytes(200) + content)
    np.testing.assert_array_equal(read_audio(tmp_path / "y.wv"), read_audio(tmp_path / "x.wv"))


def test_ogg_behind_an_id3_tag(tmp_path: Path) -> None:
    content = written(tmp_path, "ogg")
    (tmp_path / "x.ogg").write_bytes(b"ID3\x03\0\0\0\0\1\x48" + bytes(200) + content)
    np.testing.assert_array_equal(read_audio(tmp_path / "x.ogg"), read_audio(tmp_path / "part.ogg"))


def test_mp3_of_free_bit_rate_is_called_that(tmp_path: Path) -> None:
    frame = b"\xff\xfb\x00\xc4" + bytes(1_300)
    for tag in (b"", b"ID3\x03\0\0\0\0\0\x14" + bytes(20)):
        (tmp_path / "x.mp3").write_bytes(tag + 20 * frame)
        with pytest.raises(DataError, match="is MP3 of free bit rate"):
            read_audio(tmp_path / "x.mp3")


def test_mp3_without_a_header_promises_nothing(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.mp3", "libmp3lame", options={"write_xing": "0"})
    whole, content = read_audio(path), path.read_bytes()
    assert header_of(path).expected == pytest.approx(len(whole) * 44_100 / 16_000, abs=2)
    path.write_bytes(content[: len(content) // 2])
    assert abs(len(read_audio(path)) - len(whole) / 2) < 1_000


def test_mp3_between_tags(tmp_path: Path) -> None:
    content = encode(tmp_path / "x.mp3", "libmp3lame", options={"id3v2_version": "0"}).read_bytes()
    whole = read_audio(tmp_path / "x.mp3")
    picture = b"ID3\x04\0\0" + bytes((0, 100, 0, 0)) + bytes(100 << 14)
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
    for changed in (
        picture + content,
        picture + picture + content,
        content + ape + b"TAG" + bytes(125),
        bytes(700) + content,
        content + bytes(10_000),
    ):
        (tmp_path / "y.mp3").write_bytes(changed)
        np.testing.assert_array_equal(read_audio(tmp_path / "y.mp3"), whole)


def test_mp3_that_lacks_something(tmp_path: Path) -> None:
    content = encode(tmp_path / "x.mp3", "libmp3lame").read_bytes()
    middle = len(content) // 2
    noise = np.random.default_rng(0).integers(0, 256, 3_000, dtype=np.uint8).tobytes()
    for damaged in (
        content[:middle],
        content[:middle] + content[middle + 3_000 :],
        content[:middle] + noise + content[middle + 3_000 :],
        content + noise,
    ):
        (tmp_path / "y.mp3").write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged|truncated"):
            read_audio(tmp_path / "y.mp3")


@pytest.mark.parametrize("rate", [8_000, 16_000, 11_025, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("bit", [0, 7, 15, 19])
def test_flac_whose_header_states_another_rate_than_its_frames(tmp_path: Path, rate: int, bit: int) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, np.zeros(8_000), rate)
    assert len(read_audio(path, sample_rate=rate)) == 8_000
    content = bytearray(path.read_bytes())
    content[18 + bit // 8] ^= 0x80 >> bit % 8
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"Hz, its frames {rate:,} Hz"):
        read_audio(path)
