"""MPEG audio (MP3, MP2, MP1): frames are counted one by one, since no header states their number.

A header with the count (Xing, LAME, VBRI) may be absent (`cbr_no_xing_cover_2s.mp3`, `vbr_piped_9s.mp3`) or that of the
first of joined files (`concatenated_1s_3s.mp3`): libsndfile then guesses or stops early, FFmpeg decodes the second
header as sound. Each of joined files is decoded by itself here, so that the delay and the filling that LAME's tag
states come off every one. ISO/IEC 11172-3 and 13818-3; the tags by their writers' descriptions.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.tags import tag_length
from randquant.audio.formats.recording import damaged, truncated

_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_INDEX = re.compile(rb"Xing|Info|VBRI")
_INDEX_PLACES = (36, 21, 13, 38, 23, 15)  # bytes from a frame's beginning: after the side information
_KBPS = {  # by version 1 or 2, and layer
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
_LONGEST = 2881  # bytes of a frame


@dataclass(frozen=True)
class FrameHeader:
    """The fields of a frame's four-byte header."""

    rate: int  # Hz
    channels: int
    samples: int  # of each channel in the frame
    length: int  # of the frame in bytes
    layer: int  # 1 to 3

    @property
    def family(self) -> tuple[int, int, int, int]:
        """The header fields that are constant within one recording."""
        return self.rate, self.channels, self.samples, self.layer


@dataclass
class FrameRun:
    """Consecutive frames from one run of an encoder."""

    start: int  # first byte, of the index frame where there is one
    stop: int  # byte after the last frame
    header: FrameHeader
    count: int = 0  # frames of sound
    stated: int = 0  # frames by the index; 0 without
    trimmed: int = 0  # samples of delay and filling by LAME's tag

    @property
    def samples(self) -> int:
        """Samples per channel, without encoder delay and padding."""
        return max(0, self.count * self.header.samples - self.trimmed)


@lru_cache(1 << 12)  # a recording has few different ones
def frame_header(head: bytes) -> FrameHeader | None:
    """Parse a frame header; None if these four bytes are not one, or have a free bit rate."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 2 & 3
    bitrate = head[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or not 0 < bitrate < 15:
        return None
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    kbps = _KBPS[1 if version == 3 else 2, layer][bitrate]
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    padding = head[2] >> 1 & 1
    length = (12_000 * kbps // hertz + padding) * 4 if layer == 1 else samples * 125 * kbps // hertz + padding
    return FrameHeader(hertz, 1 if head[3] >> 6 == 3 else 2, samples, length, layer)


def is_free_format(head: bytes) -> bool:
    """Whether a layer 3 frame with a free bit rate begins here."""
    known = head[:2] + bytes((head[2] | 0x10,)) + head[3:4] if len(head) >= 4 and head[2] >> 4 == 0 else b""
    header = frame_header(known)
    return header is not None and header.layer == 3


def is_adts(head: bytes) -> bool:
    """Whether these are the first bytes of AAC in ADTS, whose frames look like MPEG audio of a layer 4."""
    return head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0


def runs(path: Path, file: IO[bytes]) -> list[FrameRun]:
    """The runs of frames in an open file; empty if it has no frames.

    Raises:
        DataError: there is something else between them, or fewer than an index states.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = list(_walk(path, content))
    for run in found:
        if run.count < run.stated - 1:
            raise truncated(path, f"{max(run.count, 0):,} of {run.stated:,} frames")
    return [run for run in found if run.count]


def _walk(path: Path, content: mmap.mmap) -> Iterator[FrameRun]:
    place, run = 0, None
    indexes = {match.start() - offset for match in _INDEX.finditer(content) for offset in _INDEX_PLACES}
    while place < len(content) - 3:
        header = frame_header(content[place : place + 3] + bytes((content[place + 3] & 0xC0,)))
        same = run is not None and header is not None and header.family == run.header.family
        if header is None or (run is not None and not same and not _fits(content, place)):
            place, joint = _after_other_bytes(path, content, place, run)
            if run is not None and joint:
                yield run
                run = None
            continue
        index = _index(content, place) if place in indexes else None
        if run is not None and (index or not same):
            yield run
            run = None
        run = run or FrameRun(place, place, header)
        if index:
            run.stated, run.trimmed = index
            run.count -= 1
        place += header.length
        run.stop = min(place, len(content))
        run.count += place <= len(content)
    if run is not None:
        yield run


def _fits(content: mmap.mmap, place: int) -> bool:
    """Whether a frame begins here: a matching frame follows, or the end of the file."""
    header = frame_header(content[place : place + 4])
    if header is None:
        return False
    end = place + header.length
    following = frame_header(content[end : end + 4])
    return end >= len(content) - 3 or (following is not None and following.family == header.family)


def _after_other_bytes(path: Path, content: mmap.mmap, place: int, run: FrameRun | None) -> tuple[int, bool]:
    """The next frame or tag after bytes that are not a frame, and whether a new file begins there.

    Less than a frame of other bytes is the end of a file that was cut, and zeros fill up.
    """
    length = tag_length(content, place)
    if length:
        return place + length, content[place : place + 3] == b"ID3"
    following = next(
        (match.start() for match in _SYNC.finditer(content, place + 1) if _fits(content, match.start())), len(content)
    )
    tag = min(
        (at for mark in (b"ID3", b"TAG", b"APETAGEX") if (at := content.find(mark, place + 1, following)) > 0),
        default=following,
    )
    skipped = tag - place
    too_long = skipped >= _LONGEST or (run is not None and skipped >= run.header.length)
    if too_long and content[place:tag].strip(b"\0"):
        raise damaged(path, f"{skipped:,} bytes from byte {place:,} on are not MPEG frames")
    return tag, False


def _index(content: mmap.mmap, place: int) -> tuple[int, int] | None:
    """Frame count in an Xing or VBRI index and samples that LAME's tag trims; None if this frame is not an index."""
    frame = content[place : place + 256]
    for offset in _INDEX_PLACES:
        name = frame[offset : offset + 4]
        if name == b"VBRI" and offset == 36:
            return int(struct.unpack_from(">I", frame, offset + 14)[0]), 0
        if name in (b"Xing", b"Info"):
            return _xing(frame[offset:])
    return None


def _xing(body: bytes) -> tuple[int, int]:
    flags = int.from_bytes(body[4:8], "big")
    frames = int.from_bytes(body[8:12], "big") if flags & 1 else 0
    place = 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    tag = body[place : place + 24]
    if tag[:4] not in (b"LAME", b"Lavf", b"Lavc") or len(tag) < 24:
        return frames, 0
    both = int.from_bytes(tag[21:24], "big")
    return frames, (both >> 12) + (both & 0xFFF)
