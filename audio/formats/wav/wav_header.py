"""The header of a WAV file (RIFF, RIFX, RF64, BW64, W64): encoding, offset and stated size of the samples."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.chunks import RIFF, W64, Order
from randquant.errors import DataError

PCM, MS_ADPCM, FLOAT, ALAW, ULAW, IMA_ADPCM, GSM610, EXTENSIBLE = 1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE
BLOCK_CODES = (MS_ADPCM, IMA_ADPCM, GSM610)  # several frames share a block

FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
W64_FORM = b"riff\x2e\x91\xcf\x11"
# What programs that write into a pipe state instead of the bytes of sound, which they do not know yet.
_OPEN_ENDED = (range(0x7FF00000, 0x80100000), range(0xFFF00000, 0x100000000))
_ENDLESS = 1 << 62
_KEPT = 4096  # bytes of a chunk
_FORMAT = "HHIIHHHHIH"  # the chunk `fmt ` up to the tag after WAVE_FORMAT_EXTENSIBLE
_PLAIN = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PLAIN_NAMES = (b"RIFF", b"WAVE", b"fmt ", 16, PCM, b"data")
_GSM_FRAMES = 320  # in a block of 65 bytes


@dataclass(frozen=True)
class SampleLayout:
    """How a header says that the samples lie in the file."""

    order: Order
    tag: int  # of the encoding, the one after WAVE_FORMAT_EXTENSIBLE where that is used
    channels: int
    rate: int  # Hz
    align: int  # bytes of one sample of all channels, or of one block of a block-based encoding
    bits: int  # of a sample
    start: int  # byte where the sound begins
    stated: int | None  # bytes of sound; None where the header leaves that open
    size: int  # of the file in bytes
    byte_rate: int = 0  # bytes a second
    valid_bits: int = 0  # those of `bits` that carry sound
    extensible: bool = False  # whether WAVE_FORMAT_EXTENSIBLE is used
    frames_per_block: int = 1  # of a block-based encoding; 0 where that is not stated
    format: bytes = b""  # the chunk `fmt ` itself
    fact: int | None = None  # frames by the chunk `fact`

    @property
    def present(self) -> int:
        """Bytes from the first sample to the end of the file."""
        return self.size - self.start


def read_wav_header(path: Path, file: IO[bytes]) -> SampleLayout:
    """Read the header of an open file that begins with one of `FORMS` or with `W64_FORM`.

    Raises:
        DataError: it does not say how its sound is coded, or has none.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_PLAIN.size)
    if (plain := _plain_layout(head, size)) is not None:
        return plain
    form = head[:4]
    order: Order = ">" if form == b"RIFX" else "<"
    kind, layout, first = ("W64", W64, 40) if form == b"riff" else ("WAV", RIFF[order], 12)
    chunks: dict[bytes, bytes] = {}
    for name, start, length in layout.walk(file, first):
        if name[:4] == b"data":
            if layout is W64:
                stated = length if 0 <= length < _ENDLESS else None
            else:
                stated = _stated(order, chunks, length, size - start)
            return _sample_layout(path, order, chunks, start, stated, size)
        file.seek(start)
        chunks.setdefault(name[:4], file.read(min(max(0, length), _KEPT)))
    raise DataError(f"{path} is a {kind} file without sound (it has no data chunk); leave it out or restore it.")


def _plain_layout(head: bytes, size: int) -> SampleLayout | None:
    """What the 44 bytes say that most programs write, PCM and nothing besides; None of any others."""
    if len(head) < _PLAIN.size:
        return None
    riff, _, wave, fmt, length, tag, channels, rate, byte_rate, align, bits, data, stated = _PLAIN.unpack(head)
    names = (riff, wave, fmt, length, tag, data)
    start = _PLAIN.size
    if names != _PLAIN_NAMES or stated > size - start or channels == 0 or rate == 0:
        return None
    form = head[20:36]
    return SampleLayout("<", tag, channels, rate, align, bits, start, stated, size, byte_rate, bits, format=form)


def _sample_layout(
    path: Path, order: Order, chunks: Mapping[bytes, bytes], start: int, stated: int | None, size: int
) -> SampleLayout:
    form = chunks.get(b"fmt ", b"")
    if len(form) < 14:
        raise DataError(f"{path} is a WAV file whose header does not say how its sound is coded; restore it.")
    fields = struct.unpack_from(order + _FORMAT, form.ljust(26, b"\0"))
    tag, channels, rate, byte_rate, align, bits, _, extra, _, subformat = fields
    if channels == 0 or rate == 0:
        raise DataError(f"{path} states {channels} channels at {rate} Hz; restore its header or leave it out.")
    extensible = tag == EXTENSIBLE and len(form) >= 26
    tag = subformat if extensible else tag
    return SampleLayout(
        order=order,
        tag=tag,
        channels=channels,
        rate=rate,
        align=align,
        bits=bits,
        start=start,
        stated=stated,
        size=size,
        byte_rate=byte_rate,
        valid_bits=(min(extra, bits) if extensible else 0) or bits,
        extensible=extensible,
        frames_per_block=_GSM_FRAMES if tag == GSM610 else extra if tag in BLOCK_CODES else 1,
        format=form,
        fact=_fact(order, chunks),
    )


def _stated(order: Order, chunks: Mapping[bytes, bytes], length: int, present: int) -> int | None:
    """Stated bytes of samples; None if not stated."""
    length = _in_64_bits(order, chunks, length, 8)
    unknown = length > present and (any(length in lengths for lengths in _OPEN_ENDED) or length >= _ENDLESS)
    return None if unknown else length


def _fact(order: Order, chunks: Mapping[bytes, bytes]) -> int | None:
    """Frames stated by the `fact` chunk; None if absent or zero."""
    stated = chunks.get(b"fact", b"")
    if len(stated) < 4:
        return None
    fact = _in_64_bits(order, chunks, struct.unpack_from(order + "I", stated)[0], 16)
    return None if fact in (0, 0xFFFFFFFF) or fact >= _ENDLESS else fact


def _in_64_bits(order: Order, chunks: Mapping[bytes, bytes], number: int, place: int) -> int:
    """A number, or the one in RF64's chunk `ds64` that stands for it if all its bits are set."""
    sizes = chunks.get(b"ds64", b"")
    is_there = number == 0xFFFFFFFF and len(sizes) >= 24
    return int(struct.unpack_from(order + "Q", sizes, place)[0]) if is_there else number
