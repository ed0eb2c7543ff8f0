"""Ogg (RFC 3533): one stream, several side by side, or several one after the other.

libsndfile takes the length of the first of joined streams for that of all (`chained_vorbis_1s_3s.ogg`), and FFmpeg
drops half a block of sound at each joint. Each link of a chain is a whole file by itself, so each is decoded alone.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audio.formats.recording import truncated

_PAGE = 27 + 255 + 255 * 255  # bytes at most
_FIRST = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")  # of a stream
_EXACT = (b"\x01vorbis", b"OpusHead")


@dataclass(frozen=True)
class Link:
    """One of the parts that follow each other in a chain; most files are a single one.

    Attributes:
        start: in bytes of the file.
        stop: likewise.
        exact: whether it is a single stream of a codec that libsndfile counts.
    """

    start: int
    stop: int
    exact: bool


def links(path: Path, file: IO[bytes]) -> list[Link]:
    """The links of an open Ogg file.

    Raises:
        DataError: the last page is cut off.
    """
    size = file.seek(0, 2)
    _check_last_page(path, file, size)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        firsts = [match.start() for match in _FIRST.finditer(content) if _is_page(content, match.start())]
        groups = _groups(content, firsts)
        starts = [group[0] for group in groups]
        stops = [*starts[1:], size]
        return [
            Link(start, stop, len(group) == 1 and _payload(content, start).startswith(_EXACT))
            for group, start, stop in zip(groups, starts, stops, strict=True)
        ]


def _groups(content: mmap.mmap, firsts: list[int]) -> list[list[int]]:
    """First pages right behind one another begin streams that run side by side."""
    groups: list[list[int]] = []
    end = -1
    for place in firsts:
        if place == end:
            groups[-1].append(place)
        else:
            groups.append([place])
        end = place + _length(content, place)
    return groups


def _is_page(content: mmap.mmap, place: int) -> bool:
    """Whether a page begins here, and not sound that looks like one: the file or a page begins behind it."""
    end = place + _length(content, place)
    return end == len(content) or content[end : end + 4] == b"OggS"


def _length(content: mmap.mmap, place: int) -> int:
    segments = content[place + 26] if place + 26 < len(content) else 0
    return 27 + segments + sum(content[place + 27 : place + 27 + segments])


def _payload(content: mmap.mmap, place: int) -> bytes:
    start = place + 27 + content[place + 26]
    return content[start : start + 8]


def _check_last_page(path: Path, file: IO[bytes], size: int) -> None:
    """An Ogg file has no total length, but its last page says how long that page is (section 6)."""
    file.seek(max(0, size - _PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26] or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        raise truncated(path, f"{len(page)} bytes of its last page")
