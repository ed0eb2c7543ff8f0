"""Which bytes of a WAV file are samples: its header is checked against the file.

libsndfile and FFmpeg take the header's word. `sizes_zero_2s.wav` then holds nothing and `data_size_half_2s.wav` half
of its sound.
"""

import mmap
import re
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.chunks import RIFF, is_chunk_name
from randquant.audio.formats.recording import contradictory, truncated
from randquant.audio.formats.wav.wav_header import SampleLayout
from randquant.errors import DataError

# Behind the sound: tags of music players, and chunks that programs cut off without harm.
_TAGS = (b"TAG", b"ID3\x02", b"ID3\x03", b"ID3\x04", b"APETAGEX")
_KNOWN = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"iXML", b"JUNK", b"PAD ", b"FLLR", b"_PMX", b"axml")
_KNOWN_NAME = re.compile(b"|".join(map(re.escape, _KNOWN)))
_SOUND = (b"data", b"RIFF", b"RIFX", b"RF64", b"BW64")
_W64_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"  # after the four characters of a chunk's name
_SECTOR = 4096  # bytes; file systems and recorders fill up the last one with zeros


def sound_bytes(path: Path, header: SampleLayout, file: IO[bytes]) -> int:
    """Bytes of samples from `header.start` on: as stated, or to the end of the file if the size is not stated.

    A sample or a pad byte too many or too few is tolerated, and so are chunks and tags after the sound.

    Raises:
        DataError: the file ends before its sound does, or goes on after it with what may be sound.
    """
    stated, present, slack = header.stated, header.present, max(header.align, 8)
    if stated is None:
        return _before_chunks(header, file)
    if 0 <= stated - present <= slack:
        return present
    if stated > present:
        raise truncated(path, f"{present:,} of {stated:,} bytes")
    rest = present - stated
    if rest <= slack or _has_trailing_chunks(header, file, header.start + stated):
        return stated
    if stated == 0 or rest % (1 << 32) == 0:
        return _before_chunks(header, file)  # the size was never filled in, or is larger than its 32 bits
    file.seek(header.start + stated + stated % 2)
    if (name := file.read(4)) in _SOUND:
        what = "a second chunk of sound" if name == b"data" else "another WAV file"
        raise DataError(f"{path} goes on after its sound with {what} ({rest:,} bytes); split it there, or convert it.")
    raise DataError(
        f"{path} contradicts itself: by its header the sound ends after {stated:,} bytes, but {rest:,} bytes that are "
        "no chunk follow; rewrite its header, as in: sox --ignore-length IN OUT"
    )


def coded_frames(path: Path, header: SampleLayout, size: int) -> int:
    """Frames in `size` bytes of a block-based encoding; `fact` says how far the last block is filled.

    Raises:
        DataError: `fact` and the blocks contradict each other, or the blocks have no size.
    """
    if header.align == 0 or header.frames_per_block == 0:
        raise DataError(f"{path} does not say how large the blocks of its encoding are; restore its header.")
    per_block, fact = header.frames_per_block, header.fact
    frames = -(-size // header.align) * per_block
    if fact is None or fact > frames:
        return frames
    # Some programs count the samples of all channels where they should count those of one.
    for count in (fact, fact // header.channels):
        if frames - per_block < count <= frames:
            return count
    raise contradictory(path, f"its chunk fact counts {fact:,} frames, its blocks hold {frames:,}")


def _before_chunks(header: SampleLayout, file: IO[bytes]) -> int:
    """Bytes of samples if no size is stated: all up to trailing chunks that end exactly at the end of the file.

    Such a chunk begins with a name that programs write after sound.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for found in _KNOWN_NAME.finditer(content, header.start):
            place = found.start()
            if (place - header.start) % 2 == 0 and _are_chunks(header, file, place):
                return place - header.start
    return header.present


def _has_trailing_chunks(header: SampleLayout, file: IO[bytes], end: int) -> bool:
    file.seek(-(-end // 8) * 8 + 4)
    if file.read(len(_W64_GUID)) == _W64_GUID:
        return True
    if any(_are_chunks(header, file, place) for place in (end + end % 2, end)):
        return True
    file.seek(end)
    return header.size - end < _SECTOR and not any(file.read())


def _are_chunks(header: SampleLayout, file: IO[bytes], place: int) -> bool:
    """Whether only chunks and tags without samples follow, up to the end of the file."""
    name, stop = b"", 0
    for name, start, length in RIFF[header.order].walk(file, place):
        if name.startswith(_TAGS):
            return True
        if name in _SOUND or not is_chunk_name(name):
            return False
        stop = start + length
    return stop + stop % 2 <= header.size + 1 or name in _KNOWN
