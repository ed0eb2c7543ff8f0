"""The header of AIFF and AIFF-C: the same kind of chunks as in WAV, big-endian."""

import struct
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.chunks import AIFF, Order
from randquant.audio.formats.recording import contradictory
from randquant.audio.formats.wav.wav_header import ALAW, FLOAT, PCM, ULAW, SampleLayout
from randquant.errors import DataError

# Codings of AIFF-C whose samples have a fixed size: tag of WAV, byte order, bits where COMM may say something else.
_CODINGS: dict[bytes, tuple[int, Order, int]] = {
    **dict.fromkeys((b"NONE", b"twos", b"in24", b"in32"), (PCM, ">", 0)),
    **dict.fromkeys((b"sowt", b"42ni", b"23ni"), (PCM, "<", 0)),
    **dict.fromkeys((b"fl32", b"FL32"), (FLOAT, ">", 32)),
    **dict.fromkeys((b"fl64", b"FL64"), (FLOAT, ">", 64)),
    **dict.fromkeys((b"alaw", b"ALAW"), (ALAW, ">", 8)),
    **dict.fromkeys((b"ulaw", b"ULAW"), (ULAW, ">", 8)),
}
_STREAMED = (0, 0xFFFFFFFF)
_OPEN_ENDED = 0x7EFF0000  # bytes; what programs that write into a pipe state is at least this large


def read_aiff_header(path: Path, file: IO[bytes]) -> SampleLayout | None:
    """Read the header of an open file that begins with `FORM`; None if its samples have no fixed size.

    Raises:
        DataError: it has no sound, or COMM and SSND contradict each other.
    """
    size = file.seek(0, 2)
    comm, sound = b"", None
    for name, start, length in AIFF.walk(file, 12):
        file.seek(start)
        if name == b"COMM":
            comm = file.read(min(length, 64))
        if name == b"SSND":
            offset = int.from_bytes(file.read(4), "big")
            streamed = length in _STREAMED or (length >= _OPEN_ENDED and start - 8 + length > size)
            sound = start + 8 + offset, None if streamed else max(0, length - 8 - offset)
        if comm and sound:
            break
    if sound is None or len(comm) < 18:
        raise DataError(f"{path} is an AIFF file without sound (COMM or SSND is absent); restore it or leave it out.")
    return _sample_layout(path, comm, *sound, size)


def _sample_layout(path: Path, comm: bytes, start: int, stated: int | None, size: int) -> SampleLayout | None:
    channels, frames, bits, exponent, mantissa = struct.unpack_from(">HIHHQ", comm)
    coding = comm[18:22] if len(comm) >= 22 else b"NONE"
    if coding not in _CODINGS:
        return None
    tag, order, fixed = _CODINGS[coding]
    bits = fixed or bits
    rate = mantissa >> shift if 0 <= (shift := 16383 + 63 - (exponent & 0x7FFF)) < 64 else 0
    align = channels * -(-bits // 8)
    if channels == 0 or rate == 0 or align == 0:
        raise DataError(f"{path} states {channels} channels of {bits} bits at {rate} Hz; restore its header.")
    if stated is not None and frames not in _STREAMED and abs(stated - frames * align) > max(8, align):
        raise contradictory(path, f"COMM counts {frames:,} frames of {align} bytes, SSND holds {stated:,} bytes")
    return SampleLayout(order, tag, channels, rate, align, bits, start, stated, size)
