"""FLAC: decoded by libsndfile if its header states the right length, by FFmpeg otherwise.

A program that writes into a pipe leaves the total of STREAMINFO at zero (`flac_piped_2s.flac`), one that is stopped may
leave one that is too small. The number that the last frame carries tells (RFC 9639, section 9.1).
"""

import itertools
import mmap
import re
from pathlib import Path
from typing import IO

from randquant.errors import DataError

_TAIL = 1 << 17  # bytes that hold the last frame where STREAMINFO does not say how long the longest one is
_BEGINNING = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_LENGTHS = {1: 192} | {code: 576 << (code - 2) for code in range(2, 6)} | {code: 1 << code for code in range(8, 16)}
_LENGTH_BYTES, _RATE_BYTES = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}  # of values without a code of their own
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)  # Hz, by code
_LOOKED_AT = 3  # frames at the end; what looks like one may be sound


def flac_parts(path: Path, file: IO[bytes], start: int) -> list[tuple[int, int, bool]]:
    """Start and end of each concatenated FLAC stream (usually one), and whether its header counts its frames.

    Args:
        path: for the message.
        file: open for reading.
        start: byte where the first one begins.

    Raises:
        DataError: STREAMINFO and the first frame state other rates: decoders take the word of either.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts = [match.start() for match in _BEGINNING.finditer(content, start)]
        stops = [*starts[1:], len(content)]
        for first in starts:
            _check_rate(path, content, first)
        return [
            (first, stop, _counts_its_frames(content, first, stop)) for first, stop in zip(starts, stops, strict=True)
        ]


def _check_rate(path: Path, content: mmap.mmap, start: int) -> None:
    stated = int.from_bytes(content[start + 18 : start + 21], "big") >> 4
    place = start + 4
    while place + 4 <= len(content):  # blocks of metadata (RFC 9639, section 8.1)
        is_last = content[place] & 0x80
        place += 4 + int.from_bytes(content[place + 1 : place + 4], "big")
        if is_last:
            break
    head = content[place : place + 16]
    rate = _frame_rate(head) if _SYNC.match(head) else None
    if rate is not None and rate != stated:
        raise DataError(
            f"{path} contradicts itself: its header states {stated:,} Hz, its frames {rate:,} Hz; restore it, or "
            "convert it with the program it comes from."
        )


def _frame_rate(head: bytes) -> int | None:
    """Sample rate in a frame header; None if it refers to STREAMINFO or is not a frame header."""
    code, size = head[2] & 15 if len(head) > 2 else 0, _header_size(head)
    if size is None or code == 0 or code == 15:
        return None
    if code in _RATE_BYTES:
        number = int.from_bytes(head[size - _RATE_BYTES[code] : size], "big")
        return number * {12: 1000, 13: 1, 14: 10}[code]
    return _RATES[code]


def _header_size(head: bytes) -> int | None:
    """Size of a frame header without its checksum; None if this is not a frame header."""
    number, place = _coded_number(head)
    if number is None or head[3] & 1 or head[2] >> 4 == 0:
        return None
    place += _LENGTH_BYTES.get(head[2] >> 4, 0) + _RATE_BYTES.get(head[2] & 15, 0)
    return place if place < len(head) and _crc8(head[:place]) == head[place] else None


def _counts_its_frames(content: mmap.mmap, start: int, stop: int) -> bool:
    """Whether STREAMINFO states at least the length that follows from the last frames."""
    head = content[start : min(stop, start + 26)]
    if len(head) < 26:
        return False
    total = int.from_bytes(head[21:26], "big") & ((1 << 36) - 1)
    fixed, longest = int.from_bytes(head[8:10], "big"), int.from_bytes(head[15:18], "big")
    tail = content[max(start, stop - (2 * longest + 4096 if longest else _TAIL)) : stop]
    places = reversed([match.start() for match in _SYNC.finditer(tail)])
    ends = (_frame_end(tail[place : place + 16], fixed) for place in places)
    last = itertools.islice((end for end in ends if end is not None), _LOOKED_AT)
    return total > 0 and all(end <= total for end in last)


def _frame_end(head: bytes, fixed: int) -> int | None:
    """End of the frame with this header, in samples; None if this is not a frame header."""
    number, place = _coded_number(head)
    if number is None or _header_size(head) is None:
        return None
    code, extra = head[2] >> 4, _LENGTH_BYTES.get(head[2] >> 4, 0)
    length = int.from_bytes(head[place : place + extra], "big") + 1 if extra else _LENGTHS[code]
    return (number if head[1] & 1 else number * fixed) + length


def _coded_number(head: bytes) -> tuple[int | None, int]:
    """The frame or sample number (in FLAC's UTF-8-like encoding) and the offset after it."""
    if len(head) < 12:
        return None, 0
    ones = 8 - (head[4] ^ 0xFF).bit_length()
    if ones == 0:
        return head[4], 5
    number, end = head[4] & (0x7F >> ones), 4 + ones
    for byte in head[5:end]:
        number = number << 6 | byte & 0x3F
    valid = 2 <= ones <= 7 and all(byte >> 6 == 2 for byte in head[5:end])
    return (number if valid else None), end


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
