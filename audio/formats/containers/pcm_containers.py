"""AIFF, AU, NIST SPHERE and CAF: decoded by libsndfile after their header was checked against the file size."""

import re
from pathlib import Path
from typing import IO

from randquant.audio.formats.containers.aiff_header import read_aiff_header
from randquant.audio.formats.containers.stated_size import check_stated_size
from randquant.audio.formats.libsndfile import LibsndfileRecording
from randquant.audio.formats.recording import Recording, contradictory, truncated
from randquant.audio.formats.wav.padded_pcm import open_low_aligned
from randquant.audio.formats.wav.wav_extent import sound_bytes
from randquant.audio.formats.wav.wav_header import PCM
from randquant.errors import DataError

_AU, _NIST = (b".snd", b"dns."), b"NIST_1A"
_SLACK = 8  # bytes
_NUMBER = re.compile(rb"(\w+)\s+-i\s+(\d+)")
# libsndfile shortens a truncated file to what is there, but its log keeps what the header states.
_CUT = re.compile(r"(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)")
_OPEN_ENDED = 0x7EFF0000  # bytes; what programs that write into a pipe state is at least this large


def is_pcm_container(head: bytes) -> bool:
    """Whether these first bytes are of one of these formats, in an encoding that libsndfile counts."""
    return (
        head.startswith((*_AU, _NIST))
        or (head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"))
        or (head.startswith(b"caff") and head[28:32] in (b"lpcm", b"ulaw", b"alaw", b"alac"))
    )


def open_pcm_container(path: Path, file: IO[bytes], head: bytes) -> Recording:
    """Open one of these formats, which begins with `head`.

    Raises:
        DataError: its header contradicts the bytes.
        soundfile.LibsndfileError: libsndfile cannot open it.
    """
    frames = None
    if head.startswith(b"FORM"):
        frames = _aiff_frames(path, file)
    elif head.startswith(b"caff"):
        check_stated_size(path, head, file)
    elif stated := _au_bytes(head) if head.startswith(_AU) else _nist_bytes(head):
        _check_bytes(path, file, *stated)
    recording = LibsndfileRecording(path)
    found, channels = recording.header.frames, recording.header.channels
    for by_header, present in _CUT.findall(recording.file.extra_info):
        if int(present) + 8 * channels < int(by_header) < _OPEN_ENDED:
            raise truncated(path, f"{int(present):,} of {int(by_header):,} bytes")
    if frames not in (None, found):
        raise contradictory(path, f"{frames:,} frames fit into its bytes, libsndfile finds {found:,}")
    return recording


def _aiff_frames(path: Path, file: IO[bytes]) -> int | None:
    """Frames in the sound chunk; None for encodings whose blocks hold several frames."""
    header = read_aiff_header(path, file)
    if header is None:
        return None
    size, width = sound_bytes(path, header, file), header.align // header.channels
    padded = header.tag == PCM and header.bits < 8 * width
    if padded and open_low_aligned(path, file, header, size, width, header.bits):
        raise DataError(
            f"{path} has its {header.bits} bits in the wrong part of {8 * width}; convert it, or leave it out."
        )
    return size // header.align


def _au_bytes(head: bytes) -> tuple[int, int] | None:
    """Offset and size of the samples of AU; None if the header does not state the size."""
    order = "big" if head.startswith(b".snd") else "little"
    start, stated = (int.from_bytes(head[place : place + 4], order) for place in (4, 8))  # type: ignore[arg-type]
    return None if stated == 0xFFFFFFFF else (start, stated)


def _nist_bytes(head: bytes) -> tuple[int, int] | None:
    """Offset and size of the samples of NIST SPHERE; None if they are compressed."""
    numbers = {name: int(value) for name, value in _NUMBER.findall(head.partition(b"end_head")[0])}
    length = head[8:16].strip()
    if b"embedded-" in head or b"sample_count" not in numbers or not length.isdigit():
        return None
    width = numbers.get(b"sample_n_bytes", 2) * numbers.get(b"channel_count", 1)
    return int(length), numbers[b"sample_count"] * width


def _check_bytes(path: Path, file: IO[bytes], start: int, length: int) -> None:
    present = file.seek(0, 2) - start
    if present + _SLACK < length:
        raise truncated(path, f"{max(0, present):,} of {length:,} bytes")
    if present > length + _SLACK:
        raise contradictory(
            path,
            f"by its header the sound ends after {length:,} bytes, but {present - length:,} more follow",
        )
