"""The header of AIFF and AIFF-C as a `WavHeader`: the same kind of chunks, big-endian."""

import struct
from pathlib import Path
from typing import IO

from audio.formats.wav_header import ALAW, FLOAT, PCM, ULAW, Order, WavHeader
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
_BEFORE = 1 << 28
_STREAMED = (0, 0xFFFFFFFF)
_OPEN_ENDED = 0x7EFF0000  # bytes; what programs that write into a pipe state is at least this large


def read_aiff_header(path: Path, file: IO[bytes]) -> WavHeader | None:
    """Read the header of an open file that begins with `FORM`; None if its samples have no fixed size.

    Raises:
        DataError: it has no sound, or COMM and SSND contradict each other.
    """
    size = file.seek(0, 2)
    place, comm, sound = 12, b"", None
    while place <= _BEFORE and (sound is None or not comm):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        length = int.from_bytes(head[4:], "big")
        if head[:4] == b"COMM":
            comm = file.read(min(length, 64))
        if head[:4] == b"SSND":
            offset = int.from_bytes(file.read(4), "big")
            streamed = length in _STREAMED or (length >= _OPEN_ENDED and place + length > size)
            sound = place + 16 + offset, None if streamed else max(0, length - 8 - offset)
        place += 8 + length + length % 2
    if sound is None or len(comm) < 18:
        raise DataError(f"{path} is an AIFF file without sound (COMM or SSND is absent); restore it or leave it out.")
    return _as_wav_chunks(path, comm, *sound, size)


def _as_wav_chunks(path: Path, comm: bytes, start: int, stated: int | None, size: int) -> WavHeader | None:
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
        raise DataError(
            f"{path} contradicts itself: COMM counts {frames:,} frames of {align} bytes, SSND holds {stated:,} bytes; "
            "convert it with the program it comes from, or leave it out."
        )
    return WavHeader(
        order=order,
        tag=tag,
        channels=channels,
        rate=rate,
        byte_rate=rate * align,
        align=align,
        bits=bits,
        valid_bits=bits,
        extensible=False,
        frames_per_block=1,
        format=b"",
        start=start,
        stated=stated,
        fact=None,
        size=size,
    )
