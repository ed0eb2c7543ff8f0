"""Concatenated recordings in one file, read as one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from audio.formats.recording import Block, Header, Recording
from randquant.errors import DataError


def _counted(header: Header) -> str:
    return f"{header.channels} channel" + "s" * (header.channels != 1)


class Chain(Recording):
    """Concatenated streams of known length.

    Args:
        path: of the file.
        links: open recordings; closed with this.

    Raises:
        DataError: they differ in rate or channels.
    """

    def __init__(self, path: Path, links: Sequence[Recording]) -> None:
        self.path, self._links = path, links
        first = links[0].header
        for link in links:
            if (link.header.rate, link.header.channels) != (first.rate, first.channels):
                raise DataError(
                    f"{path} is several recordings joined, one of {first.rate:,} Hz and {_counted(first)}, "
                    f"one of {link.header.rate:,} Hz and {_counted(link.header)}; split it there, or convert it."
                )
        counts = [link.header.frames for link in links]
        known = [count for count in counts if count is not None]
        expected = sum(link.header.expected for link in links)
        self.header = Header(first.rate, first.channels, sum(known) if len(known) == len(counts) else None, expected)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`."""
        place = 0
        for link in self._links:
            count = link.header.frames
            if count is not None and place + count <= start:
                place += count
                continue
            if stop is not None and place >= stop:
                return
            given = max(0, start - place)
            length = given
            for block in link.blocks(given, None if stop is None else stop - place):
                length += len(block)
                yield block
            place += length
            start = max(start, place)

    def close(self) -> None:
        """Close the file."""
        for link in self._links:
            link.close()
