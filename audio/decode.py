"""Recordings to waveforms: decoded by libsndfile (soundfile), mixed to mono, resampled by soxr at quality HQ.

WAV (8 to 32 bit, float, ADPCM), FLAC, OGG (Vorbis, Opus), MP3, AIFF, CAF, AU and W64, at any rate. Every
problem of a file is a `DataError` of one sentence that names it.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.crops import SAMPLE_RATE
from randquant.errors import DataError

Waveform = NDArray[np.float32]

RESAMPLER = "soxr HQ"
_BLOCK = 1 << 21  # source frames held at once: 48 s at 44.1 kHz
_MARGIN = 256  # samples at the lower of the two rates; the HQ filter reaches about half as far (held by test)
_UNKNOWN_LENGTH = 0x7FF00000  # bytes; what programs that write into a pipe promise is at least this large
_MP3_SLACK = 2 * 1152  # MP3 lengths are counted in blocks of 1152 frames, give or take the decoder's delay
_OGG_PAGE = 27 + 255 + 255 * 255  # bytes at most

# What the first bytes say, for containers that libsndfile does not open.
_FOREIGN = (
    (4, b"ftyp", "MP4/M4A"),
    (0, b"\x1a\x45\xdf\xa3", "WebM/Matroska"),
    (0, b"\x30\x26\xb2\x75", "WMA"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"#!AMR", "AMR"),
)


def read_audio(
    path: str | Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> Waveform:
    """Read a recording, or a part of it, as a mono waveform.

    A part is cut out of what the whole recording would give: source frames around it are read, resampled on
    the same grid, and trimmed, so that neither its edges nor its samples differ from those of the whole.

    Args:
        path: the recording.
        sample_rate: of the result, in Hz.
        start_seconds: where to start, >= 0.
        seconds: how much to read, > 0; to the end where None, or where the recording ends earlier.

    Returns:
        (T,) float32, full scale 1.0; T = round(seconds * sample_rate) where the recording is long enough.

    Raises:
        DataError: missing, empty, truncated, not audio, in a container libsndfile cannot open, NaN or
            infinite samples, or shorter than `start_seconds`.
    """
    if sample_rate < 1:
        raise ValueError(f"sample_rate should be positive, got {sample_rate}")
    if start_seconds < 0 or (seconds is not None and seconds <= 0):
        raise ValueError(f"start_seconds should be >= 0 and seconds > 0, got {start_seconds} and {seconds}")
    first = round(start_seconds * sample_rate)
    count = None if seconds is None else max(1, round(seconds * sample_rate))
    with _open(path) as file:
        waveform = _read_part(file, path, sample_rate, first, count)
    if len(waveform) == 0:
        raise DataError(_too_short(path, sample_rate) if first == 0 else _past_the_end(path, start_seconds))
    return waveform


def stream_audio(path: str | Path, *, sample_rate: int = SAMPLE_RATE) -> tuple[int, Iterator[Waveform]]:
    """Read a recording of any length in little memory.

    Returns:
        its own sample rate in Hz, and an iterator over (T,) float32 pieces that together equal
        `read_audio(path)`. Both, the call and the iteration, raise the DataErrors of `read_audio`.
    """
    file = _open(path)
    return file.samplerate, _pieces(file, path, sample_rate)


def _pieces(file: soundfile.SoundFile, path: str | Path, sample_rate: int) -> Iterator[Waveform]:
    empty = True
    with file:
        for piece in _resampled(_mono_blocks(file, path, 0, file.frames), file.samplerate, sample_rate):
            empty = empty and len(piece) == 0
            yield piece
    if empty:
        raise DataError(_too_short(path, sample_rate))


def to_int16(waveform: Waveform) -> NDArray[np.int16]:
    """Full scale 1.0 becomes 32,768: rounded to nearest, values beyond the range of int16 clipped.

    >>> to_int16(np.array([0.0, 0.5, 1.0, -1.0, -2.0], dtype=np.float32)).tolist()
    [0, 16384, 32767, -32768, -32768]
    """
    scaled = waveform * np.float32(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    return scaled.astype(np.int16)


def _open(path: str | Path) -> soundfile.SoundFile:
    """An open file that has frames, and as many as its header says; the caller closes it."""
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise DataError(_why_closed(Path(path), error)) from None
    try:
        _check_length(file, path)
    except DataError:
        file.close()
        raise
    return file


def _why_closed(path: Path, error: Exception) -> str:
    if path.is_dir():
        return f"{path} is a folder where a recording is expected; give a file."
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        return f"{path} does not exist; check the path."
    except OSError as failure:
        return f"{path} cannot be read ({failure.strerror}); check its permissions and its disk."
    if not head:
        return f"{path} is empty (0 bytes); leave it out or restore it."
    for offset, magic, name in _FOREIGN:
        if head[offset : offset + len(magic)] == magic:
            return f"{path} is {name}, which libsndfile cannot decode; convert it, as in: ffmpeg -i IN OUT.flac"
    reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
    return f"{path} is not audio that libsndfile can decode ({reason or 'damaged'}); leave it out or restore it."


def _too_short(path: str | Path, sample_rate: int) -> str:
    return f"{path} is too short to hold a sample at {sample_rate} Hz; leave it out."


def _past_the_end(path: str | Path, start_seconds: float) -> str:
    return f"{path} has no samples after {start_seconds:g} s; ask for an earlier part or leave it out."


def _check_length(file: soundfile.SoundFile, path: str | Path) -> None:
    """libsndfile shortens a truncated file to what is there, but its log keeps the header's promise."""
    if file.frames <= 0:
        raise DataError(f"{path} holds no samples; leave it out or restore it.")
    if file.format == "OGG":
        _check_last_page(path)
    log = file.extra_info
    if "should be" not in log:
        return
    for promised, present in re.findall(r"(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)", log):
        if int(present) < int(promised) < _UNKNOWN_LENGTH:
            raise DataError(_truncated(path, f"{present} of {promised} bytes"))


def _check_last_page(path: str | Path) -> None:
    """An Ogg file has no total length, but its last page says how long that page is (RFC 3533, section 6)."""
    with open(path, "rb") as file:
        start = max(0, file.seek(0, 2) - _OGG_PAGE)
        file.seek(start)
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26] or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        raise DataError(_truncated(path, f"{len(page)} bytes of its last page"))


def _truncated(path: str | Path, share: str) -> str:
    return f"{path} is truncated ({share} are there); restore it or leave it out."


def _mono_blocks(file: soundfile.SoundFile, path: str | Path, start: int, stop: int) -> Iterator[Waveform]:
    """Source frames [start, stop) in blocks, channels averaged."""
    try:
        if start:
            file.seek(start)
        while start < stop:
            block = file.read(min(_BLOCK, stop - start), dtype="float32", always_2d=True)
            mono = block[:, 0] if file.channels == 1 else _mean_of_channels(block)
            if not np.isfinite(mono).all():
                raise DataError(f"{path} holds NaN or infinite samples; leave it out or restore it.")
            if len(block):
                yield mono
            start += len(block)
            if len(block) < min(_BLOCK, stop - start + len(block)):
                break
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise DataError(f"{path} is damaged ({_reason(error)}); restore it or leave it out.") from None
    missing = stop - start
    if missing > (_MP3_SLACK if file.format == "MP3" else 0):
        raise DataError(_truncated(path, f"{start} of {stop} frames"))


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error)).strip().rstrip(".")


def _mean_of_channels(block: NDArray[np.float32]) -> Waveform:
    # Column by column: numpy's mean over a short last axis is ten times slower.
    total = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    return total / np.float32(block.shape[1])


def _resampled(blocks: Iterator[Waveform], rate: int, sample_rate: int) -> Iterator[Waveform]:
    if rate == sample_rate:
        yield from blocks
        return
    # One block behind, because the resampler must be told which block is the last.
    stream: soxr.ResampleStream | None = None
    held = next(blocks, None)
    for block in blocks:
        stream = stream or soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        yield stream.resample_chunk(held)
        held = block
    if held is None:
        return
    yield (stream.resample_chunk(held, last=True) if stream else soxr.resample(held, rate, sample_rate, quality="HQ"))


def _read_part(
    file: soundfile.SoundFile, path: str | Path, sample_rate: int, first: int, count: int | None
) -> Waveform:
    """Samples [first, first + count), counted at `sample_rate`."""
    start, stop, skip = _source_range(file, sample_rate, first, count)
    if start >= file.frames:
        return np.empty(0, dtype=np.float32)
    pieces = list(_resampled(_mono_blocks(file, path, start, stop), file.samplerate, sample_rate))
    waveform = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return waveform[skip:] if count is None else waveform[skip : skip + count]


def _source_range(file: soundfile.SoundFile, sample_rate: int, first: int, count: int | None) -> tuple[int, int, int]:
    """The source frames [start, stop) that samples [first, first + count) depend on, and the samples to drop.

    Both rates meet every `source_step` source frames, which are `step` samples: a start on that grid keeps
    the phase. MP3 frames depend on those before them, so MP3 is decoded from its beginning.
    """
    rate = file.samplerate
    divisor = math.gcd(rate, sample_rate)
    source_step, step = rate // divisor, sample_rate // divisor
    margin = 0 if rate == sample_rate else math.ceil(_MARGIN * rate / min(rate, sample_rate))
    earliest = 0 if file.format == "MP3" else max(0, first * rate // sample_rate - margin)
    steps = earliest // source_step
    stop = file.frames if count is None else math.ceil((first + count) * rate / sample_rate) + margin
    return steps * source_step, min(stop, file.frames), first - steps * step
