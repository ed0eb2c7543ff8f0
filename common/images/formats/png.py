"""The chunks of a PNG file against their checksums, which decoders pass over."""

import struct
import zlib

from randquant.errors import DataError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 12  # bytes of a chunk's length, name and checksum


def require_whole_png(data: bytes, name: str) -> None:
    """Check that every chunk that decides the picture is there and unchanged, up to the last one.

    Source: PNG specification (W3C, third edition), section 5, "Datastream structure". Chunks whose name begins with a
    small letter (texts, times) decide nothing and may be damaged.

    Raises:
        DataError: naming what is missing or damaged.
    """
    place = len(SIGNATURE)
    while place + _FRAME <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if place + _FRAME + length > len(data):
            break
        (stated,) = struct.unpack_from(">I", data, place + 8 + length)
        if not kind[0] & 0x20 and zlib.crc32(data[place + 4 : place + 8 + length]) != stated:
            raise DataError(f"{name} is damaged (a checksum of its PNG data is wrong); restore it or leave it out.")
        if kind == b"IEND":
            return
        place += _FRAME + length
    raise DataError(f"{name} is truncated (its PNG data end before the end mark); restore it or leave it out.")
