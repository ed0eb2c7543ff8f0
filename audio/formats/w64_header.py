"""The header of Sony Wave64: WAV whose chunks are named by GUIDs and sized by 64 bits."""

from pathlib import Path
from typing import IO

from audio.formats.wav_header import WavHeader, wav_header
from randquant.errors import DataError

GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"  # after the four characters of each name but the first
_HEAD = 24  # bytes of a chunk's name and size, which its size includes
_BEFORE = 1 << 28


def read_w64_header(path: Path, file: IO[bytes]) -> WavHeader:
    """Read the header of an open file that begins with the GUID of `riff`.

    Raises:
        DataError: it does not say how its sound is coded, or has none.
    """
    size = file.seek(0, 2)
    chunks: dict[bytes, bytes] = {}
    place = 40
    while place <= _BEFORE:
        file.seek(place)
        head = file.read(_HEAD)
        if len(head) < _HEAD:
            break
        length = int.from_bytes(head[16:], "little")
        if head[:4] == b"data":
            start = place + _HEAD
            is_open = length >= 1 << 62 or length < _HEAD
            return wav_header(path, "<", chunks, start, None if is_open else length - _HEAD, size)
        chunks.setdefault(head[:4], file.read(min(max(0, length - _HEAD), 4096)))
        place += max(_HEAD, -(-length // 8) * 8)
    raise DataError(f"{path} is a W64 file without sound (it has no data chunk); leave it out or restore it.")
