"""AIFF, AU and NIST SPHERE are checked against their bytes."""

import struct
from pathlib import Path

import numpy as np
import pytest

from randquant.audio.decode import read_audio
from randquant.errors import DataError
from tests.audio.formats.waves import PCM16, RATE, TONE, chunk, integers

BIG = np.frombuffer(PCM16, "<i2").astype(">i2").tobytes()


def aiff(
    frames: int = len(TONE),
    size: int | None = None,
    data: bytes = BIG,
    bits: int = 16,
    coding: bytes = b"",
    rate: int = RATE,
) -> bytes:
    exponent = rate.bit_length() - 1
    comm = struct.pack(">hIhHQ", 1, frames, bits, 16383 + exponent, rate << (63 - exponent)) + coding
    body = (b"AIFC" if coding else b"AIFF") + chunk(b"COMM", comm, order=">")
    body += chunk(b"SSND", bytes(8) + data, size, order=">")
    return b"FORM" + struct.pack(">I", len(body)) + body


def au(size: int, *, start: int = 24, data: bytes = BIG, coding: int = 3) -> bytes:
    return b".snd" + struct.pack(">IIIII", start, size, coding, RATE, 1) + bytes(start - 24) + data


def sphere(count: int, data: bytes = PCM16) -> bytes:
    lines = (
        f"NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i {count}\nsample_rate -i {RATE}\nsample_n_bytes -i 2\n"
    )
    lines += "sample_byte_format -s2 01\nsample_sig_bits -i 16\nsample_coding -s3 pcm\nend_head\n"
    return lines.encode().ljust(1024) + data


RIGHT = {
    "aiff": aiff(),
    "aiff, sizes open": aiff(0, 0),
    "aiff, sizes open at the most": aiff(0xFFFFFFFF, 0xFFFFFFFF),
    "aiff, sizes open as SoX leaves them": aiff(0x3F800000, 0x7F000008),
    "aiff, ID3 after": aiff() + chunk(b"ID3 ", b"ID3\x03" + bytes(300), order=">"),
    "aifc, little-endian": aiff(coding=b"sowt\0\0", data=PCM16),
    "aifc, float": aiff(coding=b"fl32\0\0", data=TONE.astype(">f4").tobytes(), bits=32),
    "aiff, 12 bits above": aiff(bits=12, data=(integers(12) << 4).astype(">i2").tobytes()),
    "au": au(len(BIG)),
    "au, size open": au(0xFFFFFFFF),
    "au, a sample too many": au(len(BIG) + 2),
    "au, annotated": au(len(BIG), start=64),
    "au, float": au(2 * len(BIG), data=TONE.astype(">f4").tobytes(), coding=6),
    "sphere": sphere(len(TONE)),
}
WRONG = {
    "aiff, COMM counts half": (aiff(16_000), "contradicts itself: COMM"),
    "aiff, COMM counts double": (aiff(64_000), "contradicts itself: COMM"),
    "aiff, SSND holds half": (aiff(32_000, 32_008), "contradicts itself: COMM"),
    "aiff, both state half": (aiff(16_000, 32_008), "contradicts itself"),
    "aiff, cut": (aiff()[:40_000], "truncated"),
    "aiff, 12 bits below": (aiff(bits=12, data=integers(12).astype(">i2").tobytes()), "12 bits"),
    "aiff, one sample a second": (aiff(rate=1), "states 1 Hz"),
    "au, half": (au(len(BIG) // 2), "contradicts itself"),
    "au, double": (au(2 * len(BIG)), "truncated"),
    "au, none": (au(0), "contradicts itself"),
    "sphere, half": (sphere(16_000), "contradicts itself"),
    "sphere, cut": (sphere(len(TONE), PCM16[:40_000]), "truncated"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.aiff"
    path.write_bytes(RIGHT[name])
    np.testing.assert_allclose(read_audio(path), TONE, atol=1e-3)


@pytest.mark.parametrize("name", WRONG)
def test_wrong(tmp_path: Path, name: str) -> None:
    content, words = WRONG[name]
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_audio(path)
