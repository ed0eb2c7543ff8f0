"""Metadata tags before, between and after the audio (ID3, APE, Lyrics3)."""

import mmap
from typing import IO

_MOST_TAGS = 16


def after_tags(file: IO[bytes], head: bytes) -> tuple[int, bytes]:
    """The offset after leading ID3 tags, and the first bytes there."""
    start = 0
    for _ in range(_MOST_TAGS):
        if not head.startswith(b"ID3") or not (length := tag_length(head, 0)):
            break
        start += length
        file.seek(start)
        head = file.read(64)
    return start, head


def tag_length(content: bytes | mmap.mmap, place: int) -> int:
    """Size of the tag that begins at `place`; 0 if none does."""
    head = content[place : place + 32]
    if head.startswith(b"ID3") and len(head) >= 10 and head[3] < 0xFF and max(head[6:10]) < 0x80:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head.startswith(b"TAG+"):
        return 227
    if head.startswith(b"TAG"):
        return 128
    if head.startswith(b"APETAGEX") and len(head) == 32:
        is_header = int.from_bytes(head[20:24], "little") & 1 << 29
        return 32 + (int.from_bytes(head[12:16], "little") if is_header else 0)
    if head.startswith(b"LYRICSBEGIN"):
        ends = [content.find(mark, place) for mark in (b"LYRICSEND", b"LYRICS200")]
        return next((end + 9 - place for end in ends if end > 0), 0)
    return 0
