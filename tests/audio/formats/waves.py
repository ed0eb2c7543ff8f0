"""Headers written byte by byte, right and wrong, around two seconds of a tone at 16 kHz whose peak is 0.3."""

import struct

import numpy as np

RATE = 16_000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
PCM16 = np.round(TONE * 32767).astype("<i2").tobytes()
_GUID = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


def chunk(name: bytes, body: bytes, size: int | None = None, order: str = "<") -> bytes:
    """A chunk and its pad byte; `size` says something else than its length."""
    return name + struct.pack(order + "I", len(body) if size is None else size) + body + bytes(len(body) % 2)


def pcm(
    bits: int = 16, align: int = 2, *, tag: int = 1, channels: int = 1, rate: int = RATE, byte_rate: int | None = None
) -> bytes:
    """The chunk `fmt ` of plain samples."""
    bytes_a_second = rate * align if byte_rate is None else byte_rate
    return struct.pack("<HHIIHH", tag, channels, rate, bytes_a_second & 0xFFFFFFFF, align, bits)


def extensible(bits: int, valid: int, align: int) -> bytes:
    """The chunk `fmt ` of WAVE_FORMAT_EXTENSIBLE."""
    return pcm(bits, align, tag=0xFFFE) + struct.pack("<HHIH", 22, valid, 4, 1) + _GUID


def wav(form: bytes, data: bytes, size: int | None = None, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A WAV file; `size` is what its header states for the sound."""
    body = b"WAVE" + chunk(b"fmt ", form) + before + chunk(b"data", data, size) + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def integers(bits: int) -> np.ndarray:
    """The tone as integers of so many bits."""
    return np.round(TONE * (2 ** (bits - 1) - 1)).astype("<i4")


def three_bytes(samples: np.ndarray) -> bytes:
    """Integers in three bytes each."""
    return np.ascontiguousarray(samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]).tobytes()
