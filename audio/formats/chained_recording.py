"""Concatenated recordings in one file, read as one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from randquant.audio.formats.recording import Block, Header, Recording
from randquant.errors import DataError


class ChainedRecording(Recording):
    """Concatenated streams, each open; they are closed with this.

    Raises:
        DataError: they differ in rate or channels.
    """

    def __init__(self, path: Path, links: Sequence[Recording]) -> None:
        super().__init__(path, *links)
        self._links = links
        headers = [link.header for link in links]
        first = headers[0]
        for other in headers:
            if (other.rate, other.channels) != (first.rate, first.channels):
                raise DataError(
                    f"{path} is several recordings joined, one of {_format(first)}, one of {_format(other)}; split it "
                    "there, or convert it."
                )
        counts = [header.frames for header in headers if header.frames is not None]
        frames = sum(counts) if len(counts) == len(headers) else None
        self.header = Header(first.rate, first.channels, frames, sum(header.expected for header in headers))

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


def _format(header: Header) -> str:
    return f"{header.rate:,} Hz and {header.channels} channel" + "s" * (header.channels != 1)
