"""WAV: decoded by libsndfile, with a corrected header if that of the file contradicts its bytes."""

import struct
from pathlib import Path
from typing import IO

import soundfile

from randquant.audio.formats.libsndfile import LibsndfileRecording
from randquant.audio.formats.recording import Header, Recording
from randquant.audio.formats.span import Span
from randquant.audio.formats.wav.padded_pcm import open_low_aligned
from randquant.audio.formats.wav.pcm16 import PCM16
from randquant.audio.formats.wav.wav_extent import coded_frames, sound_bytes
from randquant.audio.formats.wav.wav_header import ALAW, BLOCK_CODES, FLOAT, PCM, ULAW, SampleLayout, read_wav_header
from randquant.errors import DataError

_WIDTHS = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), ULAW: (1,)}  # bytes of a sample
_OF_LIBSNDFILE = (0x14, 0x38, 0x40, 0x45, 0x64, 0x65)  # G.721, G.723, G.726, NMS: FFmpeg reads them as noise
# MP2, MP3, AAC, WMA, AC-3, DTS, FLAC, TrueSpeech
_OF_FFMPEG = (0x22, 0x50, 0x55, 0xFF, 0x160, 0x161, 0x162, 0x163, 0x1600, 0x1610, 0x2000, 0x2001, 0xF1AC)


def open_wav(path: Path, file: IO[bytes]) -> Recording | None:
    """Open a WAV or W64 file; None for encodings that libsndfile does not count (MP3, AC-3, ... in WAV).

    Raises:
        DataError: its header says too little, or contradicts the bytes.
        soundfile.LibsndfileError: libsndfile cannot open it.
    """
    header = read_wav_header(path, file)
    Header(header.rate, header.channels).check(path)
    size = sound_bytes(path, header, file)
    if header.tag in BLOCK_CODES:
        whole = None if size == header.stated else _with_new_header(file, header, header.format, size)
        return LibsndfileRecording(path, whole, frames=coded_frames(path, header, size))
    if header.tag in _WIDTHS:
        return _pcm(path, file, header, size)
    if header.tag in _OF_LIBSNDFILE:
        return LibsndfileRecording(path)
    if header.tag in _OF_FFMPEG:
        return None
    raise DataError(f"{path} is WAV of an unknown encoding (tag {header.tag:#06x}); convert it to PCM.")


def _pcm(path: Path, file: IO[bytes], header: SampleLayout, size: int) -> Recording:
    width = _width(path, header)
    valid = header.valid_bits or 8 * width
    align = width * header.channels
    if header.tag == PCM and valid < 8 * width:
        recording = open_low_aligned(path, file, header, size, width, valid)
        if recording is not None:
            return recording
    if header.tag == PCM and width == 2:
        return PCM16(path, file, header, size // align)
    if header.stated == size and header.align == align and header.bits == 8 * width:
        unchanged = _as_it_is(path, size // align)
        if unchanged is not None:
            return unchanged
    form = struct.pack(
        header.order + "HHIIHH", header.tag, header.channels, header.rate, header.rate * align, align, 8 * width
    )
    return LibsndfileRecording(path, _with_new_header(file, header, form, size // align * align))


def _as_it_is(path: Path, frames: int) -> Recording | None:
    """Open the file unchanged; None if libsndfile finds another number of frames in it, as in BW64."""
    try:
        recording = LibsndfileRecording(path)
    except soundfile.LibsndfileError:
        return None
    if recording.header.frames == frames:
        return recording
    recording.close()
    return None


def _width(path: Path, header: SampleLayout) -> int:
    """Bytes per sample. If the frame size is wrong, byte rate and bit depth may still agree."""
    widths, packed = _WIDTHS[header.tag], -(-header.bits // 8)
    width, rest = divmod(header.align, header.channels)
    if rest == 0 and width in widths and (width == packed or header.byte_rate == header.rate * header.align):
        if width >= packed:
            return width
    elif packed in widths and header.byte_rate == header.rate * packed * header.channels:
        return packed
    raise DataError(
        f"{path} contradicts itself: {header.bits} bits, {header.channels} channels and {header.align} bytes a frame "
        "do not fit each other; rewrite its header or leave it out."
    )


def _with_new_header(file: IO[bytes], header: SampleLayout, form: bytes, size: int) -> Span:
    """The samples after a new header that states their size."""
    order = header.order
    form = form + bytes(len(form) % 2)
    chunk = struct.pack(order + "4sI", b"fmt ", len(form)) + form
    if size < 1 << 31:
        name = b"RIFF" if order == "<" else b"RIFX"
        head = struct.pack(order + "4sI4s", name, 4 + len(chunk) + 8 + size, b"WAVE") + chunk
        head += struct.pack(order + "4sI", b"data", size)
    else:
        sizes = struct.pack("<4sIQQQI", b"ds64", 28, 4 + 36 + len(chunk) + 8 + size, size, 0, 0)
        head = struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE") + sizes + chunk
        head += struct.pack("<4sI", b"data", 0xFFFFFFFF)
    return Span(file, header.start, header.start + size, head)
