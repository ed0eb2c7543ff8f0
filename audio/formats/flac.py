"""FLAC: decoded by libsndfile if its header states the right length, by FFmpeg otherwise.

A program that writes into a pipe leaves the total of STREAMINFO at zero (`flac_piped_2s.flac`), one that is stopped may
leave one that is too small. The number that the last frame carries tells (RFC 9639, section 9.1).
"""

import itertools
import mmap
import re
from pathlib import Path
from typing import IO, NamedTuple

from randquant.errors import DataError

_TAIL = 1 << 17  # bytes that hold the last frame where STREAMINFO does not say how long the longest one is
_BEGINNING = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_LENGTHS = {1: 192} | {code: 576 << (code - 2) for code in range(2, 6)} | {code: 1 << code for code in range(8, 16)}
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)  # Hz, by code
_LENGTH_BYTES, _RATE_BYTES = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}  # of values without a code of their own
_RATE_UNITS = {12: 1000, 13: 1, 14: 10}  # Hz
_LOOKED_AT = 3  # frames at the end; what looks like one may be sound


def flac_parts(path: Path, file: IO[bytes], start: int) -> list[tuple[int, int, bool]]:
    """Start and end of each FLAC stream (usually one) from byte `start` on, and whether its header counts its frames.

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
    frame = _frame_header(content[place : place + 16])
    if frame is not None and frame.rate not in (0, stated):
        raise DataError(
            f"{path} contradicts itself: its header states {stated:,} Hz, its frames {frame.rate:,} Hz; restore it, or "
            "convert it with the program it comes from."
        )


def _counts_its_frames(content: mmap.mmap, start: int, stop: int) -> bool:
    """Whether STREAMINFO states at least the length that follows from the last frames."""
    head = content[start : min(stop, start + 26)]
    if len(head) < 26:
        return False
    total = int.from_bytes(head[21:26], "big") & ((1 << 36) - 1)
    fixed, longest = int.from_bytes(head[8:10], "big"), int.from_bytes(head[15:18], "big")
    tail = content[max(start, stop - (2 * longest + 4096 if longest else _TAIL)) : stop]
    places = reversed([match.start() for match in _SYNC.finditer(tail)])
    frames = (_frame_header(tail[place : place + 16]) for place in places)
    last = itertools.islice((frame for frame in frames if frame is not None), _LOOKED_AT)
    return total > 0 and all(
        number * (1 if by_sample else fixed) + length <= total for _, number, by_sample, length in last
    )


class _Frame(NamedTuple):
    rate: int  # Hz; 0 where STREAMINFO says it
    number: int  # of its first sample, or of the frame
    by_sample: bool
    length: int  # in samples


def _frame_header(head: bytes) -> _Frame | None:
    """Parse a frame header (section 9.1); None if these bytes are not one."""
    number, place = _coded_number(head)
    if number is None or not _SYNC.match(head) or head[3] & 1:
        return None
    length_code, rate_code = head[2] >> 4, head[2] & 15
    if length_code == 0 or rate_code == 15:
        return None
    rest = place + _LENGTH_BYTES.get(length_code, 0)
    stop = rest + _RATE_BYTES.get(rate_code, 0)
    if stop >= len(head) or _crc8(head[:stop]) != head[stop]:
        return None
    length = int.from_bytes(head[place:rest], "big") + 1 if rest > place else _LENGTHS[length_code]
    rate = int.from_bytes(head[rest:stop], "big") * _RATE_UNITS[rate_code] if stop > rest else _RATES[rate_code]
    return _Frame(rate, number, bool(head[1] & 1), length)


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
