"""A WAV file is read as its bytes are, or refused with the reason: never short, never at another scale."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.audio.decode import read_audio
from randquant.audio.formats.engine import header_of
from randquant.errors import DataError
from tests.audio.formats.waves import PCM16, RATE, TONE, chunk, extensible, integers, pcm, three_bytes, wav

LIST = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcde\0")


def write(folder: Path, content: bytes, name: str = "x.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def assert_is_the_tone(path: Path, tolerance: float = 1e-4) -> None:
    samples = read_audio(path)
    assert abs(len(samples) - len(TONE)) <= 1
    np.testing.assert_allclose(samples, TONE[: len(samples)], atol=tolerance)
    assert header_of(path).frames == len(samples)


def assert_refused(path: Path, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_audio(path)
    assert str(caught.value).startswith(str(path))


RIGHT = {
    "plain": wav(pcm(), PCM16),
    "LIST after": wav(pcm(), PCM16, after=LIST),
    "id3 and cue after": wav(pcm(), PCM16, after=chunk(b"id3 ", b"ID3\x03" + bytes(301)) + chunk(b"cue ", bytes(28))),
    "an unknown chunk after": wav(pcm(), PCM16, after=chunk(b"Xyz1", b"q" * 999)),
    "a chunk without its pad byte after": wav(
        pcm(), PCM16, after=b"note" + struct.pack("<I", 3) + b"abc" + chunk(b"smpl", bytes(36)) + LIST
    ),
    "no size, LIST after": wav(pcm(), PCM16, 0, after=LIST),
    "no size, a large LIST after": wav(pcm(), PCM16, 0, after=chunk(b"LIST", bytes(200_000))),
    "the size of a pipe, cue and LIST after": wav(pcm(), PCM16, 0xFFFFFFFF, after=chunk(b"cue ", bytes(28)) + LIST),
    "a tag after": wav(pcm(), PCM16) + b"TAG" + bytes(125),
    "zeros of a sector after": wav(pcm(), PCM16) + bytes(500),
    "bext before": wav(pcm(), PCM16, before=chunk(b"bext", bytes(602))),
    "a chunk without its pad byte": wav(pcm(), PCM16, before=b"JUNK" + struct.pack("<I", 3) + b"abc"),
    "three megabytes before": wav(pcm(), PCM16, before=chunk(b"JUNK", b"z" * 3_000_000)),
    "a sample too many": wav(pcm(), PCM16, len(PCM16) + 2),
    "a byte too many": wav(pcm(), PCM16, len(PCM16) + 1),
    "a byte too few": wav(pcm(), PCM16, len(PCM16) - 1),
    "no block align": wav(pcm(align=0, byte_rate=2 * RATE), PCM16),
    "another block align": wav(pcm(align=4, byte_rate=2 * RATE), PCM16),
    "no byte rate": wav(pcm(byte_rate=0), PCM16),
    "another byte rate": wav(pcm(byte_rate=12_345), PCM16),
    "more valid bits than bits": wav(extensible(16, 24, 2), PCM16),
    "no valid bits": wav(extensible(16, 0, 2), PCM16),
    "float64": wav(pcm(64, 8, tag=3), TONE.astype("<f8").tobytes()),
}
STREAMED = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFDB)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_tolerated(tmp_path: Path, name: str) -> None:
    assert_is_the_tone(write(tmp_path, RIGHT[name]))


@pytest.mark.parametrize("size", STREAMED)
def test_sizes_left_open(tmp_path: Path, size: int) -> None:
    """What programs leave in a header that they cannot go back to; `sizes_zero_2s.wav` is one."""
    assert_is_the_tone(write(tmp_path, wav(pcm(), PCM16, size)))


WRONG = {
    "half of the size": (wav(pcm(), PCM16, len(PCM16) // 2), "contradicts itself: by its header the sound ends"),
    "two files in one": (2 * wav(pcm(), PCM16), "with another WAV file"),
    "two data chunks": (wav(pcm(), PCM16, after=chunk(b"data", PCM16)), "a second chunk of sound"),
    "a thousand bytes missing": (wav(pcm(), PCM16, len(PCM16) + 1000), "is truncated"),
    "the header alone": (wav(pcm(), PCM16)[:44], "is truncated"),
    "half a header": (wav(pcm(), PCM16)[:30], "no data chunk"),
    "no format": (b"RIFF\x24\0\0\0WAVE" + chunk(b"data", PCM16), "does not say how its sound is coded"),
    "16 bits in three bytes": (wav(pcm(16, 3), PCM16), "16 bits in containers of 24"),
    "an unknown coding": (wav(pcm(tag=0x1234), PCM16), "tag 0x1234"),
    "half precision": (wav(pcm(16, 2, tag=3), PCM16), "contradicts itself"),
    "one sample a second": (wav(pcm(rate=1), PCM16), "states 1 Hz"),
    "four billion a second": (wav(pcm(rate=4_000_000_000), PCM16), "4,000,000,000 Hz"),
    "65,535 channels": (wav(pcm(16, 65534, channels=65535), PCM16), "65,535 channels"),
    "no channel": (wav(pcm(channels=0), PCM16), "0 channels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    content, words = WRONG[name]
    assert_refused(write(tmp_path, content), words)


FORMS = {"plain": pcm(24, 4), "extensible, 24 bits": extensible(24, 24, 4), "extensible": extensible(32, 24, 4)}


@pytest.mark.parametrize("name", FORMS)
def test_24_bits_in_the_upper_part_of_32(tmp_path: Path, name: str) -> None:
    assert_is_the_tone(write(tmp_path, wav(FORMS[name], (integers(24) << 8).tobytes())))


@pytest.mark.parametrize("content", ["sign", "zeros", "16 bits"])
@pytest.mark.parametrize("name", FORMS)
def test_24_bits_in_the_lower_part_of_32(tmp_path: Path, name: str, content: str) -> None:
    """ALSA's S24_LE; a header that follows the standard to the letter says otherwise."""
    samples = {"sign": integers(24), "zeros": integers(24) & 0xFFFFFF, "16 bits": integers(24) >> 8 << 8}[content]
    path = write(tmp_path, wav(FORMS[name], samples.astype("<i4").tobytes()))
    if name == "extensible":
        assert_refused(path, "24 bits in containers of 32")
    else:
        assert_is_the_tone(path)


@pytest.mark.parametrize(
    ("form", "bits", "container"),
    [
        (pcm(20, 3), 20, 24),
        (extensible(20, 20, 3), 20, 24),
        (extensible(24, 20, 3), 20, 24),
        (pcm(12, 2), 12, 16),
        (extensible(12, 12, 2), 12, 16),
        (extensible(16, 12, 2), 12, 16),
    ],
)
def test_fewer_bits_than_the_container_has(tmp_path: Path, form: bytes, bits: int, container: int) -> None:
    for shift in (container - bits, 0):
        samples = integers(bits) << shift
        data = three_bytes(samples) if container == 24 else samples.astype("<i2").tobytes()
        path = write(tmp_path, wav(form, data))
        if shift:
            assert_is_the_tone(path, 1e-3)
        else:
            assert_refused(path, f"{bits} bits in containers of {container}")


def test_silence_has_no_upper_part(tmp_path: Path) -> None:
    path = write(tmp_path, wav(pcm(24, 4), bytes(4 * RATE)))
    assert not read_audio(path).any()


def test_float_samples_are_not_clipped(tmp_path: Path) -> None:
    path = write(tmp_path, wav(pcm(32, 4, tag=3), (32768 * TONE).astype("<f4").tobytes()))
    assert np.abs(read_audio(path)).max() == pytest.approx(32768 * 0.3, rel=1e-3)


def rf64(name: bytes, size: int, long: int, after: bytes = b"") -> bytes:
    sizes = chunk(b"ds64", struct.pack("<QQQI", len(PCM16) + 80, long, len(PCM16) // 2, 0))
    sound = b"data" + struct.pack("<I", size) + PCM16 + after
    return name + b"\xff" * 4 + b"WAVE" + sizes + chunk(b"fmt ", pcm()) + sound


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
@pytest.mark.parametrize("long", [len(PCM16), 0, (1 << 64) - 1])
def test_sizes_of_64_bits(tmp_path: Path, name: bytes, long: int) -> None:
    assert_is_the_tone(write(tmp_path, rf64(name, 0xFFFFFFFF, long)))
    assert_is_the_tone(write(tmp_path, rf64(name, len(PCM16), long, chunk(b"axml", b"<x/>" * 50))))


def test_sizes_of_64_bits_that_are_wrong(tmp_path: Path) -> None:
    assert_refused(write(tmp_path, rf64(b"RF64", 0xFFFFFFFF, 2 * len(PCM16))), "truncated")
    assert_refused(write(tmp_path, rf64(b"RF64", 0xFFFFFFFF, len(PCM16) // 2)), "contradicts itself")


@pytest.mark.parametrize("stated", [None, 0])
def test_big_endian(tmp_path: Path, stated: int | None) -> None:
    form = struct.pack(">HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    data = np.frombuffer(PCM16, "<i2").astype(">i2").tobytes()
    body = b"WAVE" + chunk(b"fmt ", form, order=">") + chunk(b"data", data, stated, order=">")
    assert_is_the_tone(write(tmp_path, b"RIFX" + struct.pack(">I", len(body)) + body))


def coded(folder: Path, subtype: str) -> bytearray:
    soundfile.write(folder / "coded.wav", TONE, RATE, subtype=subtype)
    return bytearray((folder / "coded.wav").read_bytes())


def with_number(content: bytearray, name: bytes, value: int) -> bytes:
    place = content.index(name) + (8 if name == b"fact" else 4)
    return bytes(content[:place] + struct.pack("<I", value) + content[place + 4 :])


def test_gsm_and_its_fact(tmp_path: Path) -> None:
    content = coded(tmp_path, "GSM610")
    for fact, frames in ((0, 32_000), (31_999, 31_999), (1_000_000, 32_000)):
        path = write(tmp_path, with_number(content, b"fact", fact))
        assert len(read_audio(path)) == header_of(path).frames == frames
    assert_refused(write(tmp_path, with_number(content, b"fact", 16_000)), "fact counts 16,000 frames")


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "IMA_ADPCM", "ULAW", "ALAW", "GSM610", "G721_32"])
def test_codings_are_read_without_the_filling_that_fact_tells(tmp_path: Path, subtype: str) -> None:
    path = write(tmp_path, bytes(coded(tmp_path, subtype)))
    expected, _ = soundfile.read(path, dtype="float32")
    samples = read_audio(path)
    assert len(samples) == (len(TONE) if subtype == "MS_ADPCM" else len(expected))
    np.testing.assert_array_equal(samples, expected[: len(samples)])


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "ULAW"])
def test_codings_of_unknown_length(tmp_path: Path, subtype: str) -> None:
    content = coded(tmp_path, subtype)
    whole = read_audio(write(tmp_path, bytes(content)))
    np.testing.assert_array_equal(read_audio(write(tmp_path, with_number(content, b"data", 0))), whole)


def test_w64(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.w64", TONE, RATE)
    content = (tmp_path / "x.w64").read_bytes()
    assert_is_the_tone(tmp_path / "x.w64")
    assert_refused(write(tmp_path, content[:-1000], "cut.w64"), "truncated")
    assert_refused(write(tmp_path, content + b"\x01" * 5000, "more.w64"), "contradicts itself")


def test_parts_of_repaired_files(tmp_path: Path) -> None:
    for content in (wav(pcm(), PCM16, 0), wav(pcm(24, 4), integers(24).tobytes())):
        path = write(tmp_path, content)
        whole, part = read_audio(path), read_audio(path, start_seconds=0.7, seconds=0.5)
        np.testing.assert_array_equal(part, whole[11_200:19_200])
