"""What FFmpeg decodes: whole or refused, parts equal the whole's, and no file but the given one is opened."""

import os
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from randquant.audio.decode import read_audio, stream_audio
from randquant.audio.formats.engine import header_of
from randquant.errors import DataError
from tests.audio.formats.encoded import encode
from tests.audio.formats.waves import PCM16

# Suffix, codec, and seconds that the container's packets hold (None: two to the sample).
FILES = {
    "mp3": ("mp3", "libmp3lame", None),
    "m4a": ("m4a", "aac", None),
    "alac": ("m4a", "alac", None),
    "aac": ("aac", "aac", 2.05),
    "mka": ("mka", "libmp3lame", 2.05),
    "webm": ("webm", "libopus", 2.0),
    "opus in mka": ("mka", "libopus", 2.0),
    "flac in mka": ("mka", "flac", None),
    "pcm in mkv": ("mkv", "pcm_s16le", None),
    "wma": ("wma", "wmav2", 2.0),
    "mp2": ("mp2", "mp2", 2.0),
    "ac3": ("ac3", "ac3", 2.03),
    "tta": ("tta", "tta", None),
    "wavpack": ("wv", "wavpack", None),
    "flac in ogg": ("oga", "flac", None),
    "mov": ("mov", "pcm_s16be", None),
    "avi": ("avi", "pcm_s16le", None),
    "mpegts": ("mts", "aac", 2.05),
    "voc": ("voc", "pcm_s16le", None),
    "flv": ("flv", "aac", 2.05),
}


def made(folder: Path, name: str) -> Path:
    suffix, codec, _ = FILES[name]
    rate = 48_000 if codec == "libopus" else 44_100
    options = {"format": "mpegts"} if suffix == "mts" else {}
    return encode(folder / f"x.{suffix}", codec, rate=rate, options=options)


@pytest.mark.parametrize("name", FILES)
def test_whole(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    samples, seconds = read_audio(path), FILES[name][2]
    if seconds is None:
        assert len(samples) == 32_000
    assert abs(len(samples) / 16_000 - (seconds or 2.0)) < 0.05
    assert 0.25 < np.abs(samples[3_000:20_000]).max() < 0.35
    expected = header_of(path).expected / header_of(path).rate
    assert abs(expected - len(samples) / 16_000) < 0.1 or expected == 0


@pytest.mark.parametrize("name", ["mp3", "m4a", "mka", "webm", "wma", "aac", "flac in ogg"])
def test_parts_equal_those_of_the_whole(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    whole = read_audio(path)
    for start, seconds in ((0.0, 0.5), (0.7, 0.5), (1.2345, 0.3), (1.5, None)):
        first = round(16_000 * start)
        part = read_audio(path, start_seconds=start, seconds=seconds)
        last = None if seconds is None else first + round(16_000 * seconds)
        np.testing.assert_allclose(part, whole[first:last], atol=1e-6)
    np.testing.assert_array_equal(np.concatenate(list(stream_audio(path)[1])), whole)


@pytest.mark.parametrize(
    "name", ["mp3", "m4a", "mka", "webm", "flac in mka", "pcm in mkv", "wma", "tta", "wavpack", "mov", "avi", "voc"]
)
def test_truncated(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(DataError, match=r"truncated|damaged|not audio that FFmpeg can decode"):
        read_audio(path)


@pytest.mark.parametrize(
    "name", ["m4a", "mka", "webm", "mp3", "aac", "flac in ogg", "flac in mka", "wavpack", "mpegts"]
)
def test_a_hole_in_the_middle(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    content = path.read_bytes()
    middle, length = len(content) // 2, max(2_000, len(content) // 8)
    path.write_bytes(content[:middle] + bytes(length) + content[middle + length :])
    with pytest.raises(DataError, match=r"truncated|damaged|not audio that FFmpeg can decode"):
        read_audio(path)


def test_alac_in_caf(tmp_path: Path) -> None:
    """Its last packet is shorter than the others."""
    assert len(read_audio(encode(tmp_path / "x.caf", "alac"))) == 32_000


def test_sound_that_begins_later_than_the_film(tmp_path: Path) -> None:
    for name in ("x.mkv", "x.webm", "x.mp4"):
        path = encode(tmp_path / name, "libopus" if name == "x.webm" else "ac3", rate=48_000, late=3)
        assert len(read_audio(path)) / 16_000 == pytest.approx(2, abs=0.05), name


def test_a_voice_file_whose_length_lacks_the_header_of_its_block(tmp_path: Path) -> None:
    """As SoX writes it."""
    block = (12 + len(PCM16) - 8).to_bytes(3, "little") + struct.pack("<IBBHI", 16_000, 16, 1, 4, 0)
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x010A, 0x1129)
    (tmp_path / "x.voc").write_bytes(head + b"\x09" + block + PCM16 + b"\0")
    assert abs(len(read_audio(tmp_path / "x.voc")) - 32_000) <= 4


def test_sound_of_a_video_and_a_video_without(tmp_path: Path) -> None:
    assert len(read_audio(encode(tmp_path / "x.mp4", "aac", picture=True))) == 32_000
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=10, width=32, height=32)
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(DataError, match="holds no sound"):
        read_audio(tmp_path / "silent.mp4")


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{0}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{0}'\n",
    "concat": "file '{0}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{0}</BaseURL></MPD>',
    "cue": 'FILE "{0}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
}


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a"])
@pytest.mark.parametrize("name", PLAYLISTS)
def test_no_other_file_is_opened(tmp_path: Path, name: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "secret.wav", np.full(16_000, 0.5), 16_000)
    path = tmp_path / f"list.{suffix}"
    path.write_text(PLAYLISTS[name].format(tmp_path / "secret.wav"))
    with pytest.raises(DataError, match="is not audio"):
        read_audio(path)
    # Nor where the text gets as far as FFmpeg.
    monkeypatch.setattr("randquant.audio.formats.engine.refuse_non_audio", lambda *_: None)
    monkeypatch.setattr("randquant.audio.formats.engine.is_text", lambda _: False)
    with pytest.raises(DataError, match="not audio that FFmpeg can decode"):
        read_audio(path)


def test_files_are_given_back(tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    good, bad = made(tmp_path, "m4a"), tmp_path / "bad.m4a"
    bad.write_bytes(good.read_bytes()[:9_000])
    before = count()
    for _ in range(3):
        read_audio(good, seconds=0.5)
        header_of(good)
        with pytest.raises(DataError):
            read_audio(bad)
        next(stream_audio(good)[1]).sum()
        stream_audio(good)
    assert count() == before


def test_nothing_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, "aac")
    content = path.read_bytes()
    path.write_bytes(content[:9_000] + bytes(900) + content[9_000:])
    with pytest.raises(DataError):
        read_audio(path)
    assert capfd.readouterr() == ("", "")
