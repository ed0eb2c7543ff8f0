"""Recordings to waveforms: decoded (`audio/formats`), mixed to mono, resampled by soxr at quality HQ.

Every problem of a file is a `DataError` of one sentence that names it.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.formats.engine import open_recording
from randquant.audio.formats.recording import Block, Recording, check_length
from randquant.errors import DataError

Waveform = NDArray[np.float32]
Mix = Callable[[Block, Recording], Waveform]

RESAMPLER = "soxr HQ"
_MARGIN = 256  # samples at the lower of the two rates; the HQ filter reaches about half as far (held by test)


def mean_of_channels(block: Block, recording: Recording) -> Waveform:
    """Mix a block (frames, channels) of a recording to one channel.

    Raises:
        DataError: a sample is NaN or infinite.
    """
    # Column by column: numpy's mean over a short last axis is ten times slower.
    mono = sum(block.T[1:], block[:, 0]) / np.float32(block.shape[1])
    if not np.isfinite(mono).all():
        raise DataError(f"{recording.path} holds NaN or infinite samples; leave it out or restore it.")
    return mono


def read_audio(
    path: str | Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    start_seconds: float = 0.0,
    seconds: float | None = None,
    mix: Mix = mean_of_channels,
    array_rate: int = SAMPLE_RATE,
) -> Waveform:
    """Read a recording, or a part of it, as a mono waveform.

    A part is cut out of what the whole recording would give: source frames around it are read, resampled on
    the same grid, and trimmed, so that neither its edges nor its samples differ from those of the whole.

    Args:
        path: the recording.
        sample_rate: of the result, in Hz.
        start_seconds: where to start, >= 0.
        seconds: how much to read, > 0; to the end where None, or where the recording ends earlier.
        mix: makes one channel of blocks of several; their mean by default.
        array_rate: of .npy files, in Hz, which do not say.

    Returns:
        (T,) float32, full scale 1.0; T = round(seconds * sample_rate) where the recording is long enough.

    Raises:
        DataError: missing, empty, truncated, damaged, not sound, at odds with its own header, beyond the budget of
            a file, NaN or infinite samples, or shorter than `start_seconds`.
    """
    if sample_rate < 1:
        raise ValueError(f"sample_rate should be positive, got {sample_rate}")
    if start_seconds < 0 or (seconds is not None and seconds <= 0):
        raise ValueError(f"start_seconds should be >= 0 and seconds > 0, got {start_seconds} and {seconds}")
    first = round(start_seconds * sample_rate)
    count = None if seconds is None else max(1, round(seconds * sample_rate))
    with open_recording(path, array_rate=array_rate) as recording:
        waveform = _read_part(recording, sample_rate, first, count, mix)
    if len(waveform) == 0:
        if first == 0:
            raise _too_short(path, sample_rate)
        raise DataError(f"{path} has no samples after {start_seconds:g} s; ask for an earlier part or leave it out.")
    return waveform


def stream_audio(
    path: str | Path, *, sample_rate: int = SAMPLE_RATE, mix: Mix = mean_of_channels, array_rate: int = SAMPLE_RATE
) -> tuple[int, Iterator[Waveform]]:
    """Read a recording of any length in little memory; arguments as in `read_audio`.

    Returns:
        its own sample rate in Hz, and an iterator over (T,) float32 pieces that together equal
        `read_audio(path)`. Both, the call and the iteration, raise the DataErrors of `read_audio`.
    """
    recording = open_recording(path, array_rate=array_rate)
    return recording.header.rate, resampled_pieces(recording, sample_rate, mix)


def resampled_pieces(recording: Recording, sample_rate: int, mix: Mix) -> Iterator[Waveform]:
    """What `stream_audio` gives of a recording that is open, and closes it; the first piece raises what is wrong."""
    empty = True
    with recording:
        for piece in _resampled(recording, sample_rate, mix):
            empty = empty and len(piece) == 0
            yield piece
    if empty:
        raise _too_short(recording.path, sample_rate)


def _too_short(path: str | Path, sample_rate: int) -> DataError:
    return DataError(f"{path} is too short to hold a sample at {sample_rate} Hz; leave it out.")


def _within_limit(recording: Recording, start: int, stop: int | None) -> Iterator[Block]:
    place = start
    for block in recording.blocks(start, stop):
        place += len(block)
        check_length(recording.path, place, recording.header.rate)
        yield block


def _resampled(
    recording: Recording, sample_rate: int, mix: Mix, start: int = 0, stop: int | None = None
) -> Iterator[Waveform]:
    """Frames [start, stop) of a recording, mixed to one channel, at another rate."""
    rate = recording.header.rate
    blocks = (mix(block, recording) for block in _within_limit(recording, start, stop))
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


def _read_part(recording: Recording, sample_rate: int, first: int, count: int | None, mix: Mix) -> Waveform:
    """Samples [first, first + count), counted at `sample_rate`."""
    start, stop, skip = _source_range(recording.header.rate, sample_rate, first, count)
    if recording.header.frames is not None and start >= recording.header.frames:
        return np.empty(0, dtype=np.float32)
    pieces = list(_resampled(recording, sample_rate, mix, start, stop)) or [np.empty(0, dtype=np.float32)]
    waveform = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return waveform[skip:] if count is None else waveform[skip : skip + count]


def _source_range(rate: int, sample_rate: int, first: int, count: int | None) -> tuple[int, int | None, int]:
    """The source frames [start, stop) that samples [first, first + count) depend on, and the samples to drop.

    Both rates meet every `source_step` source frames, which are `step` samples: a start on that grid keeps
    the phase.
    """
    divisor = math.gcd(rate, sample_rate)
    source_step, step = rate // divisor, sample_rate // divisor
    margin = 0 if rate == sample_rate else math.ceil(_MARGIN * rate / min(rate, sample_rate))
    steps = max(0, first * rate // sample_rate - margin) // source_step
    stop = None if count is None else math.ceil((first + count) * rate / sample_rate) + margin
    return steps * source_step, stop, first - steps * step
