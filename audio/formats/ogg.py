"""Ogg (RFC 3533): one stream, several multiplexed, or several chained.

libsndfile takes the length of the first of joined streams for that of all (`chained_vorbis_1s_3s.ogg`), and FFmpeg
drops half a block of sound at each joint. Each link of a chain is a whole file by itself, so each is decoded alone.
"""

import mmap
import re
import zlib
from pathlib import Path
from typing import IO

from randquant.audio.formats.recording import damaged, truncated

_PAGE = 27 + 255 + 255 * 255  # bytes at most
_FIRST = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")  # of a stream
_CHECKED = 1 << 26  # bytes; checksums of longer files are left to the decoders
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_EXACT = (b"\x01vorbis", b"OpusHead")


def links(path: Path, file: IO[bytes]) -> list[tuple[int, int, bool]]:
    """Start and end of each link of an open Ogg file (usually one), and whether libsndfile counts its frames.

    Raises:
        DataError: the last page is cut off, another is missing or damaged.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        _check_last_page(path, content)
        _check_pages(path, content)
        firsts = [match.start() for match in _FIRST.finditer(content) if _goes_on(content, match.start())]
        if not firsts:
            raise damaged(path, "nothing follows its first page")
        groups = _groups(content, firsts)
        starts = [group[0] for group in groups]
        stops = [*starts[1:], len(content)]
        exact = _EXACT if len(_opus_rates(content, starts)) < 2 else _EXACT[:1]
        return [
            (start, stop, len(group) == 1 and _payload(content, start).startswith(exact))
            for group, start, stop in zip(groups, starts, stops, strict=True)
        ]


def _groups(content: mmap.mmap, firsts: list[int]) -> list[list[int]]:
    """Group streams: consecutive first pages begin multiplexed streams."""
    groups: list[list[int]] = []
    end = -1
    for place in firsts:
        if place == end:
            groups[-1].append(place)
        else:
            groups.append([place])
        end = place + _length(content, place)
    return groups


def _goes_on(content: mmap.mmap, place: int) -> bool:
    """Whether a page, not sound that looks like one, begins here: a page or the end of the file follows it."""
    end = place + _length(content, place)
    return end == len(content) or content[end : end + 4] == b"OggS"


def _length(content: mmap.mmap, place: int) -> int:
    segments = content[place + 26] if place + 26 < len(content) else 0
    return 27 + segments + sum(content[place + 27 : place + 27 + segments])


def _payload(content: mmap.mmap, place: int) -> bytes:
    start = place + 27 + content[place + 26]
    return content[start : start + 16]


def _opus_rates(content: mmap.mmap, starts: list[int]) -> set[bytes]:
    """The input sample rate of Opus (RFC 7845, section 5.1): libsndfile decodes to it, FFmpeg always to 48 kHz."""
    heads = (_payload(content, start) for start in starts)
    return {head[12:16] for head in heads if head.startswith(b"OpusHead")}


def _check_last_page(path: Path, content: mmap.mmap) -> None:
    """Refuse a truncated file: Ogg states no total length, but the last page its own (section 6)."""
    place = content.rfind(b"OggS", max(0, len(content) - _PAGE))
    page = len(content) - place if place >= 0 else 1
    if place < 0 or page < _length(content, place):
        raise truncated(path, f"{page} bytes of its last page")


def _check_pages(path: Path, content: mmap.mmap) -> None:
    """Check the page numbers and checksums of a stream."""
    expected: dict[bytes, int] = {}
    place = content.find(b"OggS")
    while place >= 0:
        end = place + _length(content, place)
        if end > len(content) or not (_goes_on(content, place) or _matches_checksum(content, place, end)):
            place = content.find(b"OggS", place + 4)
            continue
        serial, number = content[place + 14 : place + 18], int.from_bytes(content[place + 18 : place + 22], "little")
        first = content[place + 5] & 2
        if not first and number != expected.get(serial, number):
            raise damaged(path, f"pages are missing at byte {place:,}")
        if len(content) <= _CHECKED and not _matches_checksum(content, place, end):
            raise damaged(path, f"the page at byte {place:,} does not fit its checksum")
        expected[serial] = number + 1
        place = content.find(b"OggS", end)


def _matches_checksum(content: mmap.mmap, place: int, end: int) -> bool:
    """Whether a page matches its checksum: CRC-32 with zlib's bit order reversed, starting at zero."""
    stated = int.from_bytes(content[place + 22 : place + 26], "little")
    page = content[place : place + 22] + bytes(4) + content[place + 26 : end]
    found = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2) == stated
