"""Noise recordings of a hundredth of a second, written fast, for trees with as many files as the real ones."""

import hashlib
import struct
from pathlib import Path

import numpy as np

from randquant.audio.crops import SAMPLE_RATE

SHORTEST, LONGEST = 100, 400  # samples
_HEADROOM = 2  # bits


def write_noise(path: Path, *, seed: int, name: str) -> None:
    """Write a mono 16-bit WAV file of 100 to 400 samples of white noise, determined by seed and name."""
    file = noise_file(seed=seed, name=name)
    try:
        path.write_bytes(file)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(file)


def noise_file(*, seed: int, name: str) -> bytes:
    """The bytes of such a file."""
    drawn = hashlib.shake_128(f"{seed}/{name}".encode()).digest(2 + 2 * LONGEST)
    length = SHORTEST + int.from_bytes(drawn[:2]) % (LONGEST - SHORTEST + 1)
    samples = np.frombuffer(drawn, "<i2", length, offset=2) >> _HEADROOM
    return _header(length) + samples.tobytes()


def _header(samples: int) -> bytes:
    """A WAV header: sizes in bytes, PCM, one channel, byte rate, block size, bits per sample."""
    size = 2 * samples
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
