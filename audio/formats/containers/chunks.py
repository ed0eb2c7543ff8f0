"""Containers made of chunks that say their own name and size: RIFF, AVI, AIFF, W64, ASF, CAF."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal, NamedTuple

Order = Literal["<", ">"]  # of the bytes of a number, as in struct

_MOST = 100_000
# Of chunks that are common, so that one is known where it should not begin.
_NAMES = (
    *(b"fmt ", b"data", b"fact", b"LIST", b"bext", b"iXML", b"axml", b"JUNK", b"junk", b"PAD ", b"FLLR", b"id3 "),
    *(b"ID3 ", b"cue ", b"smpl", b"inst", b"plst", b"PEAK", b"acid", b"_PMX", b"guan", b"wamd"),
)


class Chunk(NamedTuple):
    """A chunk: its name, the byte where its content starts, and the content's length as stated, which may be wrong."""

    name: bytes
    start: int
    length: int


@dataclass(frozen=True)
class ChunkLayout:
    """How chunks follow one another.

    Attributes:
        head: of a chunk as in struct: its name and its size.
        inclusive: the size counts the head too.
        align: each chunk starts at a multiple of so many bytes.
        lenient: the padding byte may be absent.
    """

    head: str
    inclusive: bool = False
    align: int = 1
    lenient: bool = False

    def walk(self, file: IO[bytes], place: int) -> Iterator[Chunk]:
        """The chunks from byte `place` on, as far as the file holds their heads; the last may state any length."""
        size, head = file.seek(0, 2), struct.Struct(self.head)
        for _ in range(_MOST):
            if place + head.size > size:
                return
            file.seek(place)
            name, length = head.unpack(file.read(head.size))
            chunk = Chunk(name, place + head.size, length - self.inclusive * head.size)
            yield chunk
            stop = chunk.start + max(0, chunk.length)
            place = stop + -stop % self.align
            if self.lenient and place > stop and self._goes_on(file, stop, size):
                place = stop

    def _goes_on(self, file: IO[bytes], stop: int, size: int) -> bool:
        """Whether the next chunk begins at `stop`, where a padding byte should be, rather than after it."""
        file.seek(min(stop, size))
        head = file.read(9)
        return self._likeness(head[:8], size - stop - 8) > self._likeness(head[1:], size - stop - 9)

    def _likeness(self, head: bytes, left: int) -> int:
        """How much this looks like a chunk's head with `left` bytes after it: 0 not at all, 2 a known name."""
        if head[:4] in _NAMES:
            return 2
        fits = len(head) == 8 and struct.unpack(self.head, head)[1] <= left
        return int(is_chunk_name(head[:4]) and fits)


RIFF: dict[Order, ChunkLayout] = {
    "<": ChunkLayout("<4sI", align=2, lenient=True),
    ">": ChunkLayout(">4sI", align=2, lenient=True),
}
AVI = ChunkLayout("<4sI")
AIFF = ChunkLayout(">4sI", align=2)
W64 = ChunkLayout("<16sQ", inclusive=True, align=8)
ASF = ChunkLayout("<16sQ", inclusive=True)
CAF = ChunkLayout(">4sq")


def is_chunk_name(name: bytes) -> bool:
    """Whether these four bytes may be a chunk name."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)
