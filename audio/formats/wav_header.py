"""The header of a WAV file (RIFF, RIFX, RF64, BW64): encoding, offset and stated size of the samples."""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from randquant.errors import DataError

PCM, MS_ADPCM, FLOAT, ALAW, ULAW, IMA_ADPCM, GSM610, EXTENSIBLE = 1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE
BLOCK_CODES = (MS_ADPCM, IMA_ADPCM, GSM610)

FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
# What programs that write into a pipe state instead of the bytes of sound, which they do not know yet.
_OPEN_ENDED = (range(0x7FF00000, 0x80100000), range(0xFFF00000, 0x100000000))
_BEFORE = 1 << 28  # bytes that may precede the sound: pictures, metadata
# Of chunks that are common, so that one is known where it should not begin.
_NAMES = (
    *(b"fmt ", b"data", b"fact", b"LIST", b"bext", b"iXML", b"axml", b"JUNK", b"junk", b"PAD ", b"FLLR", b"id3 "),
    *(b"ID3 ", b"cue ", b"smpl", b"inst", b"plst", b"PEAK", b"acid", b"_PMX", b"guan", b"wamd"),
)
_KEPT = 4096  # bytes of a chunk
_GSM_FRAMES = 320  # in a block of 65 bytes

Order = Literal["<", ">"]


@dataclass(frozen=True)
class WavHeader:
    """The fields of a WAV header.

    Attributes:
        order: of its numbers, as in struct.
        tag: of the coding, the one after WAVE_FORMAT_EXTENSIBLE where that is used.
        channels, rate: as stated.
        byte_rate: bytes a second, as stated.
        align: bytes of one sample of all channels, or of one block of a coded format.
        bits: of a sample.
        valid_bits: those of `bits` that carry sound, where WAVE_FORMAT_EXTENSIBLE says so; else `bits`.
        extensible: whether it is used.
        frames_per_block: of a coded format; 1 for others, 0 where that is not stated.
        format: the chunk `fmt ` itself.
        start: byte where the sound begins.
        stated: bytes of sound; None where the header leaves that open.
        fact: frames by the chunk `fact`; None without.
        size: of the file in bytes.
    """

    order: Order
    tag: int
    channels: int
    rate: int
    byte_rate: int
    align: int
    bits: int
    valid_bits: int
    extensible: bool
    frames_per_block: int
    format: bytes
    start: int
    stated: int | None
    fact: int | None
    size: int

    @property
    def present(self) -> int:
        """Bytes from the first sample to the end of the file."""
        return self.size - self.start


def read_wav_header(path: Path, file: IO[bytes]) -> WavHeader:
    """Read the header of an open file that begins with one of `FORMS`.

    Raises:
        DataError: it does not say how its sound is coded, or has none.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    order: Order = ">" if file.read(12).startswith(b"RIFX") else "<"
    chunks: dict[bytes, bytes] = {}
    place = 12
    while place <= _BEFORE:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], int(struct.unpack(order + "I", head[4:])[0])
        if name == b"data":
            return wav_header(path, order, chunks, place + 8, _stated(order, chunks, length, size - place - 8), size)
        chunks.setdefault(name, file.read(min(length, _KEPT)))
        place = next_chunk(file, place + 8 + length, order)
    raise DataError(f"{path} is a WAV file without sound (it has no data chunk); leave it out or restore it.")


def is_chunk_name(name: bytes) -> bool:
    """Whether these four bytes may be a chunk name."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


def next_chunk(file: IO[bytes], end: int, order: Order) -> int:
    """The offset of the chunk after one that ends at `end`: even, unless the writer omitted the padding byte."""
    if end % 2 == 0:
        return end
    left = file.seek(0, 2) - end - 8
    file.seek(end)
    head = file.read(9)
    return end if _likeness(head[:8], order, left) > _likeness(head[1:], order, left - 1) else end + 1


def _likeness(head: bytes, order: Order, left: int) -> int:
    """How much this looks like a chunk header with `left` bytes after it: 0 not at all, 2 a known name."""
    if head[:4] in _NAMES:
        return 2
    fits = len(head) == 8 and int(struct.unpack(order + "I", head[4:])[0]) <= left
    return int(is_chunk_name(head[:4]) and fits)


def wav_header(
    path: Path, order: Order, chunks: Mapping[bytes, bytes], start: int, stated: int | None, size: int
) -> WavHeader:
    """Build the header from the chunks before the samples, by their names.

    Raises:
        DataError: they do not say how the sound is coded.
    """
    form = chunks.get(b"fmt ", b"")
    if len(form) < 14:
        raise DataError(f"{path} is a WAV file whose header does not say how its sound is coded; restore it.")
    tag, channels, rate, byte_rate, align = struct.unpack_from(order + "HHIIH", form)
    if channels == 0 or rate == 0:
        raise DataError(f"{path} states {channels} channels at {rate} Hz; restore its header or leave it out.")
    bits = _number(order, form, 14)
    extensible = tag == EXTENSIBLE and len(form) >= 26
    tag = _number(order, form, 24) if extensible else tag
    return WavHeader(
        order=order,
        tag=tag,
        channels=channels,
        rate=rate,
        byte_rate=byte_rate,
        align=align,
        bits=bits,
        valid_bits=(_number(order, form, 18) if extensible else 0) or bits,
        extensible=extensible,
        frames_per_block=_GSM_FRAMES if tag == GSM610 else _number(order, form, 18) if tag in BLOCK_CODES else 1,
        format=form,
        start=start,
        stated=stated,
        fact=_fact(order, chunks),
        size=size,
    )


def _number(order: Order, form: bytes, place: int) -> int:
    return int(struct.unpack_from(order + "H", form, place)[0]) if len(form) >= place + 2 else 0


def _stated(order: Order, chunks: Mapping[bytes, bytes], length: int, present: int) -> int | None:
    """Stated bytes of samples, by RF64's 64-bit size if there is one; None if not stated."""
    long = chunks.get(b"ds64", b"")
    if length == 0xFFFFFFFF and len(long) >= 24:
        length = int(struct.unpack_from(order + "Q", long, 8)[0])
    unknown = length > present and (any(length in lengths for lengths in _OPEN_ENDED) or length >= 1 << 62)
    return None if unknown else length


def _fact(order: Order, chunks: Mapping[bytes, bytes]) -> int | None:
    """Frames stated by the `fact` chunk; None if absent or zero."""
    counted, long = chunks.get(b"fact", b""), chunks.get(b"ds64", b"")
    fact = int(struct.unpack_from(order + "I", counted)[0]) if len(counted) >= 4 else 0
    if fact == 0xFFFFFFFF and len(long) >= 24:
        fact = int(struct.unpack_from(order + "Q", long, 16)[0])
    return None if fact in (0, 0xFFFFFFFF) or fact >= 1 << 62 else fact
