"""Check the sizes that containers state against the file: MP4, Matroska, AVI, ASF, CAF, VOC, TTA.

FFmpeg reads what is there and says nothing of what is not.
"""

import re
import struct
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.chunks import ASF, AVI, CAF, is_chunk_name
from randquant.audio.formats.containers.tags import tag_length
from randquant.audio.formats.recording import truncated
from randquant.errors import DataError

_SLACK = 8  # bytes; a pad or an index that lacks its end takes no sound away
_VOICE_SLACK = 16  # bytes; SoX leaves a part of the block's own header out of its length
_MOST_PARTS = 100_000
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


class _Joined(Exception):
    """Another file of the same kind follows."""


def check_stated_size(path: Path, head: bytes, file: IO[bytes]) -> None:
    """Refuse a file that is truncated, or that is several concatenated files.

    Raises:
        DataError: it is one of these.
    """
    size = file.seek(0, 2)
    try:
        stated = next((end(file, size) for begins, end in _ENDS.items() if re.match(begins, head, re.DOTALL)), 0)
    except _Joined:
        raise DataError(f"{path} is several recordings joined, which its kind does not allow; split it.") from None
    if stated > size + _SLACK:
        raise truncated(path, f"{size:,} of {stated:,} bytes")


def _boxes(file: IO[bytes], size: int) -> int:
    """The end of the boxes of MP4 and QuickTime (ISO/IEC 14496-12, section 4.2)."""
    place, fragmented = 0, False
    for _ in range(_MOST_PARTS):
        file.seek(min(place, size))
        head = file.read(16)
        if len(head) < 8 or not head[4:8].isalnum():
            break
        if place and head[4:8] == b"ftyp" and not fragmented:
            raise _Joined
        fragmented = fragmented or head[4:8] == b"moof"
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        if length < 8:
            break  # the last one, up to the end of the file
        place += length
    return place


def _segment(file: IO[bytes], size: int) -> int:
    """The end of the segment of Matroska (RFC 8794, section 6); 0 if its size is unknown."""
    file.seek(0)
    head = file.read(4096)
    place, length = _variable_length(head, 4)
    place += length or 0
    if head[place : place + 4] != b"\x18\x53\x80\x67":
        return 0
    place, length = _variable_length(head, place + 4)
    return place + length if length is not None else 0


def _variable_length(head: bytes, place: int) -> tuple[int, int | None]:
    """The offset after an EBML number and the number; None if all its bits are set, which means unknown."""
    if place >= len(head) or head[place] == 0:
        return place, None
    count = 9 - head[place].bit_length()
    number = int.from_bytes(head[place : place + count], "big") & ((1 << (7 * count)) - 1)
    return place + count, None if number == (1 << (7 * count)) - 1 else number


def _riffs(file: IO[bytes], size: int) -> int:
    """The end of AVI, which continues in further RIFFs when it is large."""
    end = 0
    for name, start, length in AVI.walk(file, 0):
        if name != b"RIFF" or length == 0 or length >= 0xFFF00000:
            break
        end = start + length
    return end


def _objects(file: IO[bytes], size: int) -> int:
    """The end of ASF's data object (Advanced Systems Format, section 5); 0 if its size is unknown."""
    objects = ASF.walk(file, 0)
    _, data = next(objects, None), next(objects, None)
    if data is None or data.name != _ASF_DATA:
        return 0
    for name, _, length in objects:  # indexes
        if name == _ASF_HEADER:
            raise _Joined
        if length < 0:
            break
    return data.start + data.length


def _chunks(file: IO[bytes], size: int) -> int:
    """The end of the chunks of CAF; a size of -1 means unknown."""
    end = 8
    for name, start, length in CAF.walk(file, 8):
        if end > 8 and name == b"caff":
            raise _Joined
        if length < 0 or not is_chunk_name(name):
            break
        end = start + length
    return end


def _voice_blocks(file: IO[bytes], size: int) -> int:
    """The end of the blocks of Creative Voice; a block of type 0 is the last."""
    file.seek(20)
    place = int.from_bytes(file.read(2), "little")
    for _ in range(_MOST_PARTS):
        file.seek(place)
        head = file.read(4)
        if len(head) < 4 or head[0] == 0:
            break
        place += 4 + int.from_bytes(head[1:], "little")
        if abs(size - place) <= _VOICE_SLACK:
            break
    return place


def _true_audio(file: IO[bytes], size: int) -> int:
    """The end of the frames of TTA, by its seek table."""
    file.seek(0)
    rate, samples = struct.unpack("<10xII4x", file.read(22).ljust(22, b"\0"))
    length = 256 * rate // 245
    count = min(-(-samples // length), size // 4) if length else 0
    sizes = file.read(4 * count)
    end = 26 + 4 * count + sum(struct.unpack(f"<{len(sizes) // 4}I", sizes[: len(sizes) // 4 * 4]))
    file.seek(min(end, size))
    tag = tag_length(file.read(32), 0)
    file.seek(min(end + tag, size))
    if file.read(4) == b"TTA1":
        raise _Joined
    return end


_ENDS = {  # by the bytes that files begin with
    rb".{4}(ftyp|moov|mdat|wide|free|skip)": _boxes,
    rb"\x1a\x45\xdf\xa3": _segment,
    rb"RIFF.{4}AVI[ X]": _riffs,
    re.escape(_ASF_HEADER[:8]): _objects,
    rb"caff": _chunks,
    rb"Creative Voice File\x1a": _voice_blocks,
    rb"TTA1": _true_audio,
}
